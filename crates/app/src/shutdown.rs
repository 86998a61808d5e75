//! When to stop: at SIGTERM (service managers, containers) and at SIGINT (a terminal).

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Tells every part of the process that it is to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on. The first asks to stop; at the second the process ends at once, with
    /// code 1, for somebody who won't wait for requests in flight. Call it within a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (requested, receiver) = watch::channel(false);
        tokio::spawn(listen(signals, requested));
        Ok(Self(receiver))
    }

    /// Resolves once the process is to stop, at once if it was told so before.
    pub async fn requested(&self) {
        // An error means that the listener is gone, with the runtime: that is the end, too.
        drop(self.0.clone().wait_for(|requested| *requested).await);
    }
}

async fn listen(mut signals: (Signal, Signal), requested: watch::Sender<bool>) {
    let name = next(&mut signals).await;
    tracing::info!(signal = name, "stopping; a second signal stops at once");
    requested.send_replace(true);
    let name = next(&mut signals).await;
    tracing::warn!(signal = name, "stopping at once");
    std::process::exit(1);
}

async fn next((terminate, interrupt): &mut (Signal, Signal)) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
