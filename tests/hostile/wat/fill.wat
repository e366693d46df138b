;; Writes memory in instructions that take long each: bulk operations, over and over.
(func (export "snaphook:filter/handler@0.1.0#handle") (param i32) (result i32)
  (drop (memory.grow (i32.const 900)))
  (loop $on
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const 0x3800000))
    (memory.copy (i32.const 65536) (i32.const 65537) (i32.const 0x37fffff))
    (br $on))
  (unreachable))
