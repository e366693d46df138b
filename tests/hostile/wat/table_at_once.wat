;; Asks for four thousand million elements, takes no for an answer, and goes on.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(table $table 0 funcref)
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (if (i32.ne (table.grow $table (ref.null func) (i32.const -1)) (i32.const -1))
    (then (unreachable)))
  (call $drop (i32.load offset=136 (local.get $given)))
  (i32.const 16))
