use std::net::TcpListener;
use std::rc::Rc;

use actix_web::http::header::ContentType;
use actix_web::web::{self, Json};
use actix_web::{App, HttpResponse, HttpServer, error};
use serde::Serialize;

use super::{CONSTANT, COUNTED_PAGE, INSERT, ONE, PAGE};
use crate::error::{Error, Result};
use crate::task::{NewTask, Page, Task};

/// An account.
#[derive(Debug, Serialize)]
pub(super) struct Account {
    pub id: uuid::Uuid,
    pub email: String,
    pub username: String,
    pub full_name: Option<String>,
    pub is_active: bool,
    pub email_verified: bool,
    pub last_login_at: Option<chrono::DateTime<chrono::Utc>>,
    pub created_at: chrono::DateTime<chrono::Utc>,
    pub updated_at: chrono::DateTime<chrono::Utc>,
}

/// What the threads of the server make their own rows from.
pub(super) trait Source: Clone + Send + 'static {
    type Rows: Rows;

    /// Connects, once a thread.
    async fn connect(self) -> Result<Self::Rows>;
}

/// The prepared statements of one thread.
pub(super) trait Rows: 'static {
    async fn one(&self) -> Result<Account>;
    async fn page(&self) -> Result<Vec<Task>>;
    async fn count_and_page(&self) -> Result<(i64, Vec<Task>)>;
    async fn insert(&self, new: NewTask) -> Result<Task>;
}

/// Serves the handlers over `source`.
pub(super) async fn serve<S: Source>(listener: TcpListener, workers: usize, source: S) -> Result<()> {
    let server = HttpServer::new(move || {
        let source = source.clone();
        let connect = move || {
            let connecting = source.clone().connect();
            async move { connecting.await.map(Rc::new).map_err(|error| eprintln!("bare handlers: {error}")) }
        };
        App::new()
            .data_factory(connect)
            .route(CONSTANT, web::get().to(constant))
            .route(ONE, web::get().to(one::<S::Rows>))
            .route(PAGE, web::get().to(page::<S::Rows>))
            .route(COUNTED_PAGE, web::get().to(counted_page::<S::Rows>))
            .route(INSERT, web::post().to(insert::<S::Rows>))
    });
    server.workers(workers).listen(listener)?.run().await?;
    Ok(())
}

async fn constant() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(r#"{"status":"healthy","version":"0.1.0"}"#)
}

async fn one<R: Rows>(rows: web::Data<Rc<R>>) -> actix_web::Result<Json<Account>> {
    Ok(Json(rows.one().await.map_err(refuse)?))
}

async fn page<R: Rows>(rows: web::Data<Rc<R>>) -> actix_web::Result<Json<Page>> {
    Ok(Json(Page::new(rows.page().await.map_err(refuse)?, None)))
}

async fn counted_page<R: Rows>(rows: web::Data<Rc<R>>) -> actix_web::Result<Json<Page>> {
    let (total, tasks) = rows.count_and_page().await.map_err(refuse)?;
    Ok(Json(Page::new(tasks, Some(total))))
}

async fn insert<R: Rows>(rows: web::Data<Rc<R>>, new: Json<NewTask>) -> actix_web::Result<HttpResponse> {
    let task = rows.insert(new.into_inner()).await.map_err(refuse)?;
    Ok(HttpResponse::Created().json(task))
}

fn refuse(problem: Error) -> actix_web::Error {
    error::ErrorInternalServerError(problem)
}
