//! How often a transaction waits for PostgreSQL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tenantry_kernel::Store;
use tenantry_tenancy::{TenantContext, ports::TenancyTransaction};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::fixture::{TestStore, options, postgres, sign_up};
use crate::{Database, StoreOptions};

/// The server says so whenever it waits for the next request: once a round trip
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
const READY_FOR_QUERY: u8 = b'Z';

/// Stands between a client and the server, and counts.
struct Proxy {
    url: String,
    round_trips: Arc<AtomicU64>,
}

impl Proxy {
    async fn before(test: &TestStore) -> Self {
        let url = &test.postgres.as_ref().unwrap().app_url;
        let options: PgConnectOptions = url.parse().unwrap();
        let server = (options.get_host().to_owned(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = url.replacen(&format!(":{}/", server.1), &format!(":{port}/"), 1);
        let round_trips = Arc::new(AtomicU64::new(0));
        tokio::spawn(forward_all(listener, server, round_trips.clone()));
        Self { url, round_trips }
    }

    /// How many there were, once nothing happens any more.
    async fn settled(&self) -> u64 {
        loop {
            let before = self.round_trips.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(150)).await;
            if self.round_trips.load(Ordering::SeqCst) == before {
                return before;
            }
        }
    }
}

async fn forward_all(listener: TcpListener, server: (String, u16), round_trips: Arc<AtomicU64>) {
    while let Ok((client, _)) = listener.accept().await {
        let server = TcpStream::connect((server.0.as_str(), server.1)).await.unwrap();
        let (mut from_client, to_client) = client.into_split();
        let (from_server, mut to_server) = server.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
        tokio::spawn(answer(from_server, to_client, round_trips.clone()));
    }
}

/// Passes the server's messages on: a type, a length that counts itself, and the rest.
async fn answer(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, round_trips: Arc<AtomicU64>) {
    // Whether it encrypts is asked first, and answered by one letter.
    let mut is_first = true;
    while let Ok(kind) = server.read_u8().await {
        let mut message = vec![kind];
        if !(is_first && matches!(kind, b'N' | b'S')) {
            let length = server.read_u32().await.unwrap();
            message.extend(length.to_be_bytes());
            let mut rest = vec![0; usize::try_from(length).unwrap() - 4];
            server.read_exact(&mut rest).await.unwrap();
            message.extend(rest);
        }
        is_first = false;
        if kind == READY_FOR_QUERY {
            round_trips.fetch_add(1, Ordering::SeqCst);
        }
        if client.write_all(&message).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn c6_the_second_wall_costs_one_round_trip() {
    let Some(test) = postgres().await else { return };
    let ada = sign_up(&test.database, "ada").await;
    let proxy = Proxy::before(&test).await;
    let database = Database::new(&StoreOptions { pool_size: 1, pool_overflow: 0, ..options(&proxy.url) }).unwrap();
    let store: &dyn Store<TenantContext, dyn TenancyTransaction> = &database;
    let id = ada.context.organization_id();
    // The statement is prepared once.
    let mut transaction = store.read(&ada.context).await.unwrap();
    assert!(transaction.organizations().find(id).await.unwrap().is_some());
    drop(transaction);

    let before = proxy.settled().await;
    let mut transaction = store.read(&ada.context).await.unwrap();
    assert!(transaction.organizations().find(id).await.unwrap().is_some());
    // The query itself, and what binds it to the tenant.
    assert_eq!(proxy.settled().await - before, 2);
    drop(transaction);
    database.close().await;
}
