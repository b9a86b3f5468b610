//! The shapes of everything that comes in or goes out: events, messages, HTTP bodies, configuration files and their
//! defaults. Each becomes a domain type by `TryFrom` and comes from one by `From`; there is no decision here.

pub mod allocate;
pub mod backtest;
pub mod calendar;
pub mod comparison;
pub mod contact;
pub mod delivery;
pub mod destinations;
pub mod document;
pub mod escalate;
pub mod escalation;
pub mod event;
pub mod execution;
pub mod experiments;
pub mod ingest;
pub mod kpis;
#[cfg(feature = "yaml")]
pub mod mapping;
pub mod membership;
pub mod message;
pub mod playbook;
pub mod problem;
pub mod quality;
pub mod report;
pub mod risk;
pub mod roi;
pub mod roster;
pub mod rules;
pub mod score;
pub mod scorecard;
pub mod segments;
pub mod signal;
pub mod trigger;
pub mod workflow;
