package asha.client;

import asha.v1.DecisionReason;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What was decided about an attempt, with its explanation.
 *
 * @param verdict go on, stop, or pause; a verdict of a newer server reads STOP
 * @param reason why, as the name of {@code asha.v1.DecisionReason} without prefix; one of a newer
 *     server is its number
 * @param bracket index of the trial's bracket; -1 if it has none
 * @param rung index of the last rung compared at; -1 if none yet
 * @param rank 0-based place among the competitors, 0 the best; empty when nothing was compared
 * @param competitors entries in the rung at that moment; 0 when nothing was compared
 * @param cutoff worst value inside the part that goes on, in the metric's unit; empty if none
 * @param nextDecisionStep train at least this far, then report, in units; 0 after STOP and PAUSE
 * @param sequence of the event that stored it; 0 before the first report
 * @param deletableCheckpoints checkpoints, of any trial, that the search never resumes from again
 */
public record Decision(
    Verdict verdict,
    String reason,
    int bracket,
    int rung,
    OptionalLong rank,
    long competitors,
    OptionalDouble cutoff,
    long nextDecisionStep,
    long sequence,
    List<String> deletableCheckpoints) {

  /**
   * Whether to leave off training: the verdict is not CONTINUE.
   *
   * @return true after STOP and PAUSE
   */
  public boolean shouldStop() {
    return verdict != Verdict.CONTINUE;
  }

  static Decision of(asha.v1.Decision message, List<String> deletableCheckpoints) {
    return new Decision(
        switch (message.getVerdict()) {
          case VERDICT_CONTINUE -> Verdict.CONTINUE;
          case VERDICT_PAUSE -> Verdict.PAUSE;
          default -> Verdict.STOP;
        },
        message.getReason() == DecisionReason.UNRECOGNIZED
            ? Integer.toString(message.getReasonValue())
            : message.getReason().name().substring("DECISION_REASON_".length()),
        message.getBracket(),
        message.getRung(),
        message.hasRank() ? OptionalLong.of(message.getRank()) : OptionalLong.empty(),
        message.getCompetitors(),
        message.hasCutoff() ? OptionalDouble.of(message.getCutoff()) : OptionalDouble.empty(),
        message.getNextDecisionStep(),
        message.getSequence(),
        List.copyOf(deletableCheckpoints));
  }

  /** The end of an attempt that the server refused to go on with. */
  static Decision stop(String reason) {
    return new Decision(
        Verdict.STOP,
        reason,
        -1,
        -1,
        OptionalLong.empty(),
        0,
        OptionalDouble.empty(),
        0,
        0,
        List.of());
  }
}
