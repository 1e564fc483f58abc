//! Endpoints against each other and against hand-made messages, over a link in memory.

mod abandon;
mod calls;
mod junk;
mod orphans;
mod races;
mod registers;
mod reoffers;
mod storm;
mod world;
