;; Values that no interface knows: places outside of memory, cases that there are none of, handles that nobody gave. The
;; length of the event's body says which.
(import "snaphook:filter/body@0.1.0" "[resource-drop]body" (func $drop (param i32)))
(import "snaphook:filter/body@0.1.0" "[method]body.len" (func $len (param i32) (result i64)))
(import "snaphook:filter/log@0.1.0" "log" (func $log (param i32 i32 i32)))
(import "snaphook:filter/types@0.1.0" "[resource-drop]other-edit" (func $drop_other (param i32)))
(func $edit (result i32)
  (i32.store8 (i32.const 20) (i32.const 1))
  (i32.store (i32.const 24) (i32.const 64))
  (i32.store (i32.const 28) (i32.const 1))
  (i32.const 16))
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (local $body i32)
  (local.set $body (i32.load offset=136 (local.get $given)))
  (block $l15 (block $l14 (block $l13 (block $l12 (block $l11 (block $l10 (block $l9 (block $l8 (block $l7 (block $l6
  (block $l5 (block $l4 (block $l3 (block $l2 (block $l1 (block $l0
    (br_table $l0 $l1 $l2 $l3 $l4 $l5 $l6 $l7 $l8 $l9 $l10 $l11 $l12 $l13 $l14 $l15
      (i32.wrap_i64 (i64.load offset=120 (local.get $given)))))
    ;; 0: the verdict lies outside of memory
    (call $drop (local.get $body))
    (return (i32.const 0x7ffffff0)))
    ;; 1: the verdict lies at an odd place
    (call $drop (local.get $body))
    (return (i32.const 17)))
    ;; 2: neither a verdict nor an error
    (call $drop (local.get $body))
    (i32.store8 (i32.const 16) (i32.const 2))
    (return (i32.const 16)))
    ;; 3: no verdict that there is
    (call $drop (local.get $body))
    (i32.store8 (i32.const 20) (i32.const 7))
    (return (i32.const 16)))
    ;; 4: no edit that there is
    (call $drop (local.get $body))
    (i32.store8 (i32.const 64) (i32.const 11))
    (return (call $edit)))
    ;; 5: a list outside of memory
    (call $drop (local.get $body))
    (drop (call $edit))
    (i32.store (i32.const 24) (i32.const 0x1fff0))
    (i32.store (i32.const 28) (i32.const 100))
    (return (i32.const 16)))
    ;; 6: a list that is longer than all memory
    (call $drop (local.get $body))
    (drop (call $edit))
    (i32.store (i32.const 28) (i32.const -1))
    (return (i32.const 16)))
    ;; 7: a string that begins inside of memory and wraps around
    (call $drop (local.get $body))
    (i32.store (i32.const 68) (i32.const 0x1fff0))
    (i32.store (i32.const 72) (i32.const -8))
    (return (call $edit)))
    ;; 8: an edit that later versions bring
    (call $drop (local.get $body))
    (i32.store8 (i32.const 64) (i32.const 10))
    (i32.store (i32.const 68) (i32.const 1))
    (return (call $edit)))
    ;; 9: a verdict that later versions bring, made of the handle that the body had
    (call $drop (local.get $body))
    (i32.store8 (i32.const 20) (i32.const 6))
    (i32.store (i32.const 24) (local.get $body))
    (return (i32.const 16)))
    ;; 10: a body that nobody gave
    (drop (call $len (i32.const 77)))
    (unreachable))
    ;; 11: the body given back twice
    (call $drop (local.get $body))
    (call $drop (local.get $body))
    (unreachable))
    ;; 12: the body used after it was given back
    (call $drop (local.get $body))
    (drop (call $len (local.get $body)))
    (unreachable))
    ;; 13: the body kept
    (return (i32.const 16)))
    ;; 14: no level that there is
    (call $log (i32.const 9) (i32.const 1024) (i32.const 4))
    (unreachable))
  ;; 15: the handle of another kind of thing given back as if it were an edit
  (call $drop_other (local.get $body))
  (unreachable))
