;; Comes up when it is uploaded and attached, and not when there is an event: only then has it a configuration to read.
(import "snaphook:filter/config@0.1.0" "raw" (func $raw (param i32)))
(func (export "_initialize")
  (call $raw (i32.const 32))
  (if (i32.load (i32.const 36))
    (then (loop $on (br $on)))))
