//! Every decision of cs-ops, as pure functions of state, facts, configuration and `now`.
//!
//! Nothing here does I/O, reads a clock, draws a random number or knows AWS. What a function returns is data that says
//! what should happen; the rooms above carry it out. The same input gives the same output, byte for byte.

pub mod account;
pub mod allocation;
pub mod analytics;
pub mod audit;
pub mod backtest;
pub mod band;
pub mod breaker;
pub mod calendar;
pub mod capacity;
pub mod case;
pub mod comparison;
pub mod contact;
pub mod cta;
pub mod day;
pub mod delivery;
pub mod destination;
pub mod digest;
pub mod escalation;
pub mod experiment;
pub mod fixed;
pub mod flow;
pub mod health;
pub mod id;
pub mod insight;
pub mod kpi;
pub mod lifecycle;
pub mod nearest;
pub mod page;
pub mod playbook;
pub mod portfolio;
pub mod priority;
pub mod quality;
pub mod rate;
pub mod record;
pub mod reliability;
pub mod retry;
pub mod revenue;
pub mod risk;
pub mod roi;
pub mod roster;
pub mod routing;
pub mod rule;
pub mod rulebook;
pub mod running_cost;
pub mod scorecard;
pub mod segment;
pub mod series;
pub mod signal;
pub mod sla;
pub mod story;
pub mod support;
