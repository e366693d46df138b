;; Answers 299 if an earlier filter left a label, and lets the event pass if none did.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (call $drop (i32.load offset=136 (local.get $given)))
  (if (i32.load offset=132 (local.get $given))
    (then
      (i32.store8 (i32.const 20) (i32.const 3))
      (i32.store16 (i32.const 24) (i32.const 299))))
  (i32.const 16))
