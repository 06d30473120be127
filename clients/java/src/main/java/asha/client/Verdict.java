package asha.client;

/** What to do with the training now. */
public enum Verdict {
  /** Go on, at least to the next decision step. */
  CONTINUE,
  /** Leave off: this attempt is over. */
  STOP,
  /** Leave off and ask for other work: the trial may be resumed later, by any worker. */
  PAUSE
}
