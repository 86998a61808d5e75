//! The API as clients meet it: real nodes, real sockets, and both databases.
#![cfg(test)]

mod admin;
mod answer;
mod answerer;
mod audit;
mod auth;
mod bad_input;
mod contract;
mod coverage;
mod database;
mod fixture;
mod invitations;
mod isolation;
mod mail_server;
mod mailbox;
mod organizations;
mod person;
mod process;
mod projects;
mod rate_limits;
mod readings;
mod site;
mod sync;
mod tasks;
mod users;

/// Declares each of these functions, which take a `&`[`site::Site`], as a test on SQLite and as one on PostgreSQL. The
/// latter ends at once where there is no PostgreSQL to be had.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $name() {
                let site = $crate::site::Site::on_sqlite().await;
                super::$name(&site).await;
                site.stop().await;
            })+
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $name() {
                let Some(site) = $crate::site::Site::on_postgres().await else { return };
                super::$name(&site).await;
                site.stop().await;
            })+
        }
    };
}
use on_both_databases;
