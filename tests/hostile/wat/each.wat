;; Asks for as many pointers in one call as the event's body has bytes, for 5 if these are more than 1000: answers 200 if it is
;; told what is there, and 201 if they are too many.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(import "snaphook:filter/body@0.1.0" "[method]body.json-each" (func $each (param i32 i32 i32 i32)))
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (local $body i32) (local $count i32)
  (local.set $body (i32.load offset=136 (local.get $given)))
  (local.set $count (i32.wrap_i64 (i64.load offset=120 (local.get $given))))
  (if (i32.gt_u (local.get $count) (i32.const 1000)) (then (local.set $count (i32.const 5))))
  ;; Where nothing is written all pointers are empty, and mean the whole body.
  (call $each (local.get $body) (i32.const 2048) (local.get $count) (i32.const 1024))
  (call $drop (local.get $body))
  (i32.store8 (i32.const 20) (i32.const 3))
  (i32.store16 (i32.const 24) (i32.add (i32.const 200) (i32.load8_u (i32.const 1024))))
  (i32.const 16))
