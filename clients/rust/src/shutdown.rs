//! The signals that end a process.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Completes with the first SIGINT (Ctrl-C) or SIGTERM; the second one ends the process.
///
/// For [`Trials::shutdown_on`](crate::Trials::shutdown_on). Call it in a tokio runtime, as that does.
/// From its first poll on these signals do not end the process by themselves.
#[cfg(unix)]
pub async fn termination() {
    async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> i32 {
        tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
            _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        }
    }
    let listen = || Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?));
    let (mut interrupt, mut terminate) = match listen() as std::io::Result<_> {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!("signals keep their former meaning: {error}");
            return std::future::pending().await;
        }
    };
    next(&mut interrupt, &mut terminate).await;
    tokio::spawn(async move {
        let number = next(&mut interrupt, &mut terminate).await;
        std::process::exit(128 + number); // as a shell shows a death by signal
    });
}

/// Completes with the first Ctrl-C; the second one ends the process.
#[cfg(not(unix))]
pub async fn termination() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!("Ctrl-C keeps its former meaning: {error}");
        return std::future::pending().await;
    }
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
