//! Sends a folder of this machine to a project. Needs neither the server's settings nor its database.

use std::io::{IsTerminal as _, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use tenantry_client::Connection;
use tenantry_client::api::Api;
use tenantry_client::push::{Mode, Options, Passed, Push, PushParts, Reporter, Stop, Target};
use tenantry_client::report::{All, Human, JsonLines, Progress};
use tenantry_kernel::{SystemClock, SystemIds};
use tenantry_source::Globs;

use crate::cli;
use crate::failure::Failure;
use crate::settings::{PushSettings, Variables};
use crate::shutdown::Shutdown;

/// What shells use for commands that SIGINT has ended.
const INTERRUPTED: u8 = 130;

/// Connections for requests to the server itself, beside those for files.
const REQUESTS: usize = 4;

/// Runs `tenantry push`.
pub(super) fn run(arguments: cli::Push) -> Result<ExitCode, Failure> {
    let options = options(&arguments)?;
    let (server, key_file) = (arguments.server.as_deref(), arguments.api_key_file.as_deref());
    let settings = PushSettings::load(&Variables::of_process(), server, key_file)?;
    if settings.server.is_in_the_clear() {
        eprintln!("tenantry: {} is not encrypted: others on the way can read the API key", settings.server.as_str());
    }
    // One thread is enough for what there is to do between two waits; files are read on others.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::because)?;
    let outcome = runtime.block_on(push(arguments, options, settings));
    // A file system that hangs must not keep the process.
    runtime.shutdown_background();
    outcome
}

fn options(arguments: &cli::Push) -> Result<Options, Failure> {
    let globs = |name: &str, patterns: &[String]| {
        Globs::parse(patterns).map_err(|error| Failure::usage(format!("{name} {error}")))
    };
    Ok(Options {
        include: globs("--include", &arguments.include)?,
        exclude: globs("--exclude", &arguments.exclude)?,
        jobs: arguments.jobs.into(),
        retries: arguments.retries,
        bytes_per_second: arguments.bandwidth.map(|kib| u64::from(kib.get()) << 10),
        mode: if arguments.dry_run { Mode::Count } else { Mode::Send },
        ..Options::default()
    })
}

async fn push(arguments: cli::Push, options: Options, settings: PushSettings) -> Result<ExitCode, Failure> {
    let PushSettings { server, key, cache } = settings;
    let connection = Connection::new(options.jobs + REQUESTS).map_err(Failure::because)?;
    let parts = PushParts {
        api: Api::new(connection.clone(), server.clone(), &key).map_err(Failure::configuration)?,
        connection,
        server: server.as_str().to_owned(),
        reporter: reporter(&arguments),
        target: Target {
            directory: arguments.directory,
            project_id: arguments.project,
            cycle_id: arguments.cycle,
            prefix: arguments.prefix,
        },
        options: Options { cache, ..options },
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
    };
    let (stopper, stop) = Stop::new();
    let shutdown = Shutdown::on_signals().map_err(Failure::because)?;
    tokio::spawn(async move {
        shutdown.requested().await;
        eprintln!("tenantry: stopping; a second signal stops at once");
        stopper.stop();
    });
    let mut push = Push::new(parts).map_err(Failure::because)?;
    let passed = if arguments.watch { push.watch(&stop).await } else { push.once(&stop).await };
    conclude(&passed.map_err(Failure::because)?)
}

fn conclude(passed: &Passed) -> Result<ExitCode, Failure> {
    if passed.is_stopped {
        eprintln!("tenantry: stopped before all was sent; run the same command again to go on from there");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    match passed.counts.files_failed {
        0 => Ok(ExitCode::SUCCESS),
        failed => Err(Failure::because(format!("{failed} of {} files failed", passed.counts.total_files))),
    }
}

fn reporter(arguments: &cli::Push) -> Arc<dyn Reporter> {
    let progress = match (arguments.quiet, stderr().is_terminal()) {
        (true, _) => Progress::Failures,
        (false, true) => Progress::Bar,
        (false, false) => Progress::Lines,
    };
    let human = Human::new(progress);
    if arguments.json {
        Arc::new(All(vec![Box::new(JsonLines::new(stdout())), Box::new(human)]))
    } else {
        Arc::new(human)
    }
}
