//! Every refusal, with the message that the refused one gets: what is wrong, with which value, what to do.

mod configuration;
mod preconditions;
mod references;
mod requests;
mod settings;
mod uploads;
