;; Never hands out the memory that the host wants for the event's head.
(global $next (mut i32) (i32.const 4096))
(func (export "cabi_realloc") (param i32 i32) (param $align i32) (param $bytes i32) (result i32)
  (if (i32.eq (local.get $align) (i32.const 8))
    (then (loop $on (br $on))))
  (global.get $next)
  (global.set $next (i32.add (global.get $next) (local.get $bytes))))
