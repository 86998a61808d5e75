use std::{io, net::TcpListener};

use actix_http::{HttpService, KeepAlive, Protocol};
use actix_server::ServerBuilder;
pub use actix_server::{Server, ServerHandle};
use actix_service::{IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{AppConfig, ServiceRequest, ServiceResponse},
    middleware::{Compress, from_fn},
    rt::net::TcpStream,
    web::{self, Bytes, Data},
};

use crate::{
    connection::PatientStream,
    middleware::{Frame, cors, throttle},
    openapi,
    operations::Operations,
    options::HttpOptions,
    pages::ApiDocument,
    problem::Problem,
    routes,
    state::HttpState,
};

/// Serves every operation on `listener`.
///
/// The result is a future that has to be polled, and ends when the server has stopped. Its
/// [`handle`](Server::handle) stops it: `handle.stop(true)` accepts no more connections, lets requests in flight
/// finish for up to [`HttpOptions::shutdown_timeout`], and closes connections that are idle.
///
/// # Errors
/// When `listener` can't be used.
pub fn serve(listener: TcpListener, options: HttpOptions, state: HttpState) -> io::Result<Server> {
    serve_operations(listener, options, state, routes::all)
}

/// Serves the operations of one's own choice, as [`serve`] does.
///
/// # Errors
/// When `listener` can't be used.
pub fn serve_operations(
    listener: TcpListener,
    options: HttpOptions,
    state: HttpState,
    operations: fn() -> Operations,
) -> io::Result<Server> {
    listener.set_nonblocking(true)?;
    let (options, state) = (Data::new(options), Data::new(state));
    let document = Data::new(ApiDocument::of(&operations()));
    let builder = ServerBuilder::new()
        .workers(options.workers.get())
        .max_concurrent_connections(options.max_connections_per_worker)
        .shutdown_timeout(options.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let server = builder.listen("http", listener, move || {
        let timeout = options.client_timeout;
        let stopping = stopping.clone();
        let app = app(options.clone(), state.clone(), document.clone(), operations);
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(timeout))
            // The stream times heads itself, the first like the others.
            .client_request_timeout(std::time::Duration::ZERO)
            // A body that was refused is still read for so long: a connection that is closed at once is reset, and
            // the client may never see why.
            .client_disconnect_timeout(timeout)
            .on_connect_ext(|stream: &PatientStream, extensions| {
                extensions.insert(stream.turn());
            })
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .finish(map_config(app.into_factory().map_err(|error: Error| error.error_response()), |()| {
                AppConfig::default()
            }));
        fn_service(move |stream: TcpStream| async move {
            stream.set_nodelay(true).ok();
            let peer = stream.peer_addr().ok();
            Ok((PatientStream::new(stream, timeout), Protocol::Http1, peer))
        })
        .and_then(http)
    })?;
    Ok(server.run())
}

/// The application around some operations, for one worker.
fn app(
    options: Data<HttpOptions>,
    state: Data<HttpState>,
    document: Data<ApiDocument>,
    operations: fn() -> Operations,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(options.clone())
        .app_data(state.clone())
        .app_data(document)
        .configure(|config| operations().configure(config))
        .default_service(web::to(|| async { Err::<&str, _>(Problem::not_found()) }))
        .wrap(from_fn(throttle::by_address))
        .wrap(cors(&options))
        .wrap(Compress::default())
        .wrap(Frame::new(options, state))
}

impl ApiDocument {
    fn of(operations: &Operations) -> Self {
        Self(Bytes::from(openapi::to_json(&openapi::describe(operations))))
    }
}
