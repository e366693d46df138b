;; Bytes that are no UTF-8 where a string is due. The length of the event's body says where.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(import "snaphook:filter/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(import "snaphook:filter/event@0.1.0" "set-label" (func $label (param i32 i32 i32 i32 i32)))
(import "snaphook:filter/body@0.1.0" "[method]body.json" (func $json (param i32 i32 i32 i32)))
(import "snaphook:filter/kv@0.1.0" "get" (func $get (param i32 i32 i32 i32 i32)))
(data (i32.const 1024) "right\ff\fe\80 wrong")
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (block $kv (block $pointer (block $name (block $line (block $key (block $error (block $reason
    (br_table $reason $error $key $line $name $pointer $kv (i32.wrap_i64 (i64.load offset=120 (local.get $given)))))
    ;; the reason of a rejection
    (call $drop (i32.load offset=136 (local.get $given)))
    (i32.store8 (i32.const 20) (i32.const 2))
    (i32.store16 (i32.const 24) (i32.const 400))
    (i32.store (i32.const 36) (i32.const 1024))
    (i32.store (i32.const 40) (i32.const 14))
    (return (i32.const 16)))
    ;; the error arm
    (call $drop (i32.load offset=136 (local.get $given)))
    (i32.store8 (i32.const 16) (i32.const 1))
    (i32.store (i32.const 20) (i32.const 1024))
    (i32.store (i32.const 24) (i32.const 14))
    (return (i32.const 16)))
    ;; a label
    (call $label (i32.const 1024) (i32.const 5) (i32.const 1024) (i32.const 14) (i32.const 256))
    (unreachable))
    ;; a line of the log
    (call $log (i32.const 2) (i32.const 1024) (i32.const 14))
    (unreachable))
    ;; the name of a header
    (call $drop (i32.load offset=136 (local.get $given)))
    (i32.store (i32.const 68) (i32.const 1024))
    (i32.store (i32.const 72) (i32.const 14))
    (i32.store8 (i32.const 20) (i32.const 1))
    (i32.store (i32.const 24) (i32.const 64))
    (i32.store (i32.const 28) (i32.const 1))
    (return (i32.const 16)))
    ;; a JSON pointer
    (call $json (i32.load offset=136 (local.get $given)) (i32.const 1024) (i32.const 14) (i32.const 256))
    (unreachable))
  ;; a key
  (call $get (i32.const 1024) (i32.const 5) (i32.const 1024) (i32.const 14) (i32.const 256))
  (unreachable))
