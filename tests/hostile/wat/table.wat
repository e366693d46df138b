;; Grows a table until the host refuses, and does not survive it.
(table $table 0 funcref)
(func (export "snaphook:filter/handler@0.1.0#handle") (param i32) (result i32)
  (loop $on
    (br_if $on (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
  (unreachable))
