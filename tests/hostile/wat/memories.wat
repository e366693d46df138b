;; Beside seven instances that have 141 pages of memory each (`made::greedy`), takes what it can get: answers 200 if that is
;; the rest of 1024 pages, 64 MiB, and no page more.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (call $drop (i32.load offset=136 (local.get $given)))
  (loop $on (br_if $on (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (if (i32.ne (memory.size) (i32.const 37))
    (then (unreachable)))
  (i32.store8 (i32.const 20) (i32.const 3))
  (i32.store16 (i32.const 24) (i32.const 200))
  (i32.const 16))
