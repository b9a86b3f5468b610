//! `cs-ops`: the command line of the one-machine host.

fn main() {}
