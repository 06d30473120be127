package asha.client;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/**
 * How long a call may take.
 *
 * @param deadline of each attempt; positive
 * @param giveUpAfter how long the call is sent again; zero: one attempt, {@link #FOREVER}: for ever
 */
public record CallLimits(Duration deadline, Duration giveUpAfter) {
  /** Longer than any call. */
  public static final Duration FOREVER = ChronoUnit.FOREVER.getDuration();

  CallLimits plus(Duration wait) {
    return new CallLimits(deadline.plus(wait), giveUpAfter);
  }
}
