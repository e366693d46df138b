;; Gives its verdict, and does not end when it is told that the host has read it.
(func (export "cabi_post_snaphook:filter/handler@0.1.0#handle") (param i32)
  (loop $on (br $on)))
