;; Lists whose elements all are the same long string: a few hundred KiB of pointers that stand for gigabytes. The length of
;; the event's body says which list.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(memory (export "memory") 64)
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (local $place i32)
  (call $drop (i32.load offset=136 (local.get $given)))
  ;; pairs of address and length from 2 MiB on; the string is the MiB after the first 64 KiB
  (local.set $place (i32.const 0x200000))
  (loop $on
    (i32.store (local.get $place) (i32.const 0x10000))
    (i32.store offset=4 (local.get $place) (i32.const 0x100000))
    (i32.store offset=8 (local.get $place) (i32.const 0x10000))
    (i32.store offset=12 (local.get $place) (i32.const 0x100000))
    (local.set $place (i32.add (local.get $place) (i32.const 16)))
    (br_if $on (i32.lt_u (local.get $place) (i32.const 0x3f0000))))
  (block $headers (block $choose
    (br_table $choose $headers (i32.wrap_i64 (i64.load offset=120 (local.get $given)))))
    ;; one edit: choose all of them
    (i32.store (i32.const 64) (i32.const 9))
    (i32.store (i32.const 68) (i32.const 0x200000))
    (i32.store (i32.const 72) (i32.const 100000))
    (i32.store (i32.const 20) (i32.const 1))
    (i32.store (i32.const 24) (i32.const 64))
    (i32.store (i32.const 28) (i32.const 1))
    (return (i32.const 16)))
  ;; a rejection with all of them as headers
  (i32.store (i32.const 20) (i32.const 2))
  (i32.store (i32.const 24) (i32.const 400))
  (i32.store (i32.const 28) (i32.const 0x200000))
  (i32.store (i32.const 32) (i32.const 100000))
  (i32.const 16))
