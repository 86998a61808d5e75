//! Every case runs on both databases, on PostgreSQL with the unprivileged logins of production.

mod fixture;
mod lines;
mod working;
