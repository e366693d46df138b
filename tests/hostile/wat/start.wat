;; Never comes up.
(func (export "_initialize")
  (loop $on (br $on)))
