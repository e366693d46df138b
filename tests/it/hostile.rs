//! Guests that mean harm, against the whole program as a process of its own. Each deed is a row that says how it must end;
//! while it is done a neighbour, another project's route with a filter of its own, is asked all the time and never refused.
//! The guests and a table of what stops each are in `tests/hostile`.

mod arena;
mod canary;
mod computing;
mod damage;
mod endless;
mod flooding;
mod handing_over;
mod leaving;
mod made;
mod neighbour;
mod schemas;
mod uploads;

use arena::{Arena, Row};
