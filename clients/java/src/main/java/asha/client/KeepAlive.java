package asha.client;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Sends a heartbeat whenever nothing renewed a trial's lease for a third of its ttl.
 *
 * <p>It goes on through every failure of network and server, and ends with the trial.
 */
final class KeepAlive {
  private static final System.Logger LOG = System.getLogger("asha.client");
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);

  private final Trial trial;
  private final Thread thread;

  KeepAlive(Trial trial) {
    this.trial = trial;
    this.thread = new Thread(this::run, "asha-keep-alive-" + trial.number());
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Ends the thread, and a heartbeat under way. Does not wait for it. */
  void stop() {
    thread.interrupt();
  }

  private void run() {
    Duration ceiling = Duration.ZERO; // of the pause after a failure; zero after none
    try {
      while (trial.isHeld()) {
        Duration interval = trial.ttl().dividedBy(3);
        Duration pause =
            ceiling.isZero()
                ? interval.minus(trial.sinceRenewal())
                : Duration.ofNanos(ThreadLocalRandom.current().nextLong(ceiling.toNanos()));
        if (!pause.isNegative() && !pause.isZero()) {
          Thread.sleep(pause.toMillis(), pause.toNanosPart() % 1_000_000);
          if (ceiling.isZero()) {
            continue; // a report may have renewed it meanwhile
          }
        }
        if (beat(interval)) {
          ceiling = Duration.ZERO;
        } else {
          ceiling = ceiling.isZero() ? FIRST_PAUSE : ceiling.multipliedBy(2);
          ceiling = Durations.min(ceiling, interval);
        }
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  /** One heartbeat; whether it was answered. */
  private boolean beat(Duration interval) throws InterruptedException {
    try {
      trial.heartbeat(interval);
      return true;
    } catch (AshaException failure) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      LOG.log(
          failure.isRetryable() ? DEBUG : WARNING, "a heartbeat failed, trying on: {0}", failure);
      return false;
    }
  }
}
