;; Misbehaves while it is configured, as the configuration's length says: `{"way":1}` has 9 bytes.
(func (export "snaphook:filter/handler@0.1.0#configure") (param $text i32) (param $length i32) (result i32)
  (block $utf8 (block $large (block $memory (block $spin
    (br_table $spin $memory $large $utf8 (i32.sub (local.get $length) (i32.const 9))))
    ;; spin
    (loop $on (br $on)))
    ;; memory
    (drop (memory.grow (i32.const 2000)))
    (unreachable))
    ;; large: 4 GiB less one byte, prepared
    (i32.store (i32.const 20) (i32.const 1))
    (i32.store (i32.const 24) (i32.const -1))
    (return (i32.const 16)))
  ;; utf8: a refusal in bytes that are no text
  (i32.store8 (i32.const 16) (i32.const 1))
  (i32.store (i32.const 20) (i32.const 64))
  (i32.store (i32.const 24) (i32.const 2))
  (i32.store16 (i32.const 64) (i32.const 0xfffe))
  (i32.const 16))
