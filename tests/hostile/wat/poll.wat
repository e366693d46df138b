;; Waits for nothing. The length of the event's body says how.
(import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $after (param i64) (result i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
(import "wasi:io/poll@0.2.0" "[method]pollable.ready" (func $ready (param i32) (result i32)))
(import "wasi:io/poll@0.2.0" "[resource-drop]pollable" (func $drop (param i32)))
(import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
(memory (export "memory") 16)
(func (export "snaphook:filter/handler@0.1.0#handle") (param $given i32) (result i32)
  (local $one i32)
  (block $ever (block $none (block $all (block $keep (block $ready (block $nothing
    (br_table $nothing $ready $keep $all $none $ever (i32.wrap_i64 (i64.load offset=120 (local.get $given)))))
    ;; 0: for no time, again and again
    (loop $on
      (local.set $one (call $after (i64.const 0)))
      (call $block (local.get $one))
      (call $drop (local.get $one))
      (br $on)))
    ;; 1: asks whether an hour has passed
    (local.set $one (call $after (i64.const 3600000000000)))
    (loop $on
      (br_if $on (i32.eqz (call $ready (local.get $one)))))
    (unreachable))
    ;; 2: never gives back what it waited for
    (loop $on
      (drop (call $after (i64.const 0)))
      (br $on)))
    ;; 3: for the same thing a hundred thousand times at once
    (local.set $one (i32.const 0x10000))
    (i32.store (i32.const 64) (call $after (i64.const 3600000000000)))
    (loop $on
      (i32.store (local.get $one) (i32.load (i32.const 64)))
      (local.set $one (i32.add (local.get $one) (i32.const 4)))
      (br_if $on (i32.lt_u (local.get $one) (i32.const 0x80000))))
    (loop $on
      (call $poll (i32.const 0x10000) (i32.const 100000) (i32.const 32))
      (br $on)))
    ;; 4: for nothing at all
    (call $poll (i32.const 0) (i32.const 0) (i32.const 32))
    (unreachable))
  ;; 5: for an hour
  (call $block (call $after (i64.const 3600000000000)))
  (unreachable))
