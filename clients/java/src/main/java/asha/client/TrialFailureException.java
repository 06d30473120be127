package asha.client;

import asha.v1.FailureKind;

/** Thrown by training code to say what kind of failure it is. */
public final class TrialFailureException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final FailureKind kind;

  private TrialFailureException(FailureKind kind, String message) {
    super(message);
    this.kind = kind;
  }

  /**
   * These hyperparameters cannot work: the trial is replaced and does not count.
   *
   * @param message what happened, for people
   * @return to be thrown
   */
  public static TrialFailureException infeasible(String message) {
    return new TrialFailureException(FailureKind.FAILURE_KIND_INFEASIBLE, message);
  }

  /**
   * The trial would fail again: it ends without another attempt.
   *
   * @param message what happened, for people
   * @return to be thrown
   */
  public static TrialFailureException permanent(String message) {
    return new TrialFailureException(FailureKind.FAILURE_KIND_PERMANENT, message);
  }

  /**
   * The checkpoint cannot be read: it is dropped and the trial starts from scratch.
   *
   * @param message what happened, for people
   * @return to be thrown
   */
  public static TrialFailureException checkpointUnreadable(String message) {
    return new TrialFailureException(FailureKind.FAILURE_KIND_CHECKPOINT_UNREADABLE, message);
  }

  /**
   * The kind as the wire has it.
   *
   * @return never UNRECOGNIZED
   */
  public FailureKind kind() {
    return kind;
  }
}
