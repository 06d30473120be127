package asha.client;

import asha.v1.SessionError;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A refusal by the server, or a failure of the network or of this client.
 *
 * <p>It is never the training's fault, and never becomes a failure of the trial.
 */
public final class AshaException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final Metadata.Key<byte[]> DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);
  private static final int MAX_CAUSES = 16;

  private final String code;
  private final String reason;
  private final transient Details details;

  /**
   * One field of a request that is wrong.
   *
   * @param field its proto path ({@code spec.parameters[2].double_range.max})
   * @param description what is wrong with it and the way out
   */
  public record FieldViolation(String field, String description) {}

  private record Details(
      Map<String, String> metadata, List<FieldViolation> violations, Duration retryDelay) {
    static final Details NONE = new Details(Map.of(), List.of(), null);
  }

  private AshaException(
      String message, String code, String reason, Details details, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** An error of this client; its code is empty. */
  static AshaException ofClient(String reason, String message, Map<String, String> metadata) {
    return new AshaException(message, "", reason, new Details(metadata, List.of(), null), null);
  }

  /** The stream of a session ended before the answer came: it is to be asked for again. */
  static AshaException ofBrokenSession(AshaException end) {
    String message = "the session broke before it was answered: " + end.getMessage();
    return new AshaException(
        message, Status.Code.UNAVAILABLE.name(), end.reason, end.details(), end);
  }

  /** The refusal of a request on a session: the same as that of the unary call. */
  static AshaException of(SessionError error) {
    String reason =
        switch (error.getReason()) {
          case ERROR_REASON_UNSPECIFIED -> "";
          case UNRECOGNIZED -> Integer.toString(error.getReasonValue());
          default -> error.getReason().name().substring("ERROR_REASON_".length());
        };
    List<FieldViolation> violations =
        error.getFieldViolationsList().stream()
            .map(v -> new FieldViolation(v.getField(), v.getDescription()))
            .toList();
    Duration retryDelay = error.hasRetryDelay() ? Durations.of(error.getRetryDelay()) : null;
    Map<String, String> metadata = Map.copyOf(error.getMetadataMap());
    return new AshaException(
        error.getMessage(),
        Status.fromCodeValue(error.getCode()).getCode().name(),
        reason,
        new Details(metadata, violations, retryDelay),
        null);
  }

  /** The caller was interrupted, or the client closed, before there was an answer. */
  static AshaException cancelled(String message, Throwable cause) {
    return new AshaException(message, Status.Code.CANCELLED.name(), "", Details.NONE, cause);
  }

  /**
   * The failure of a call, with the details of its trailer.
   *
   * <p>Details that are missing or unreadable (a proxy answered, not our server) leave reason,
   * metadata and violations empty.
   */
  static AshaException of(StatusRuntimeException failure) {
    Status status = failure.getStatus();
    String code = status.getCode().name();
    String message = Optional.ofNullable(status.getDescription()).orElse(code);
    if (status.getCause() instanceof IOException) { // of the connection; the server sends no causes
      message += ": " + status.getCause().getMessage();
      // gRPC says UNKNOWN where a call meets a connection that closes just then.
      code = Status.Code.UNAVAILABLE.name();
    }
    String reason = "";
    Map<String, String> metadata = Map.of();
    List<FieldViolation> violations = List.of();
    Duration retryDelay = null;
    try {
      for (Any detail : details(failure)) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          reason = info.getReason();
          metadata = Map.copyOf(info.getMetadataMap());
        } else if (detail.is(BadRequest.class)) {
          violations =
              detail.unpack(BadRequest.class).getFieldViolationsList().stream()
                  .map(v -> new FieldViolation(v.getField(), v.getDescription()))
                  .toList();
        } else if (detail.is(RetryInfo.class)) {
          retryDelay = Durations.of(detail.unpack(RetryInfo.class).getRetryDelay());
        }
      }
    } catch (InvalidProtocolBufferException unreadable) {
      failure.addSuppressed(unreadable);
    }
    return new AshaException(
        message, code, reason, new Details(metadata, violations, retryDelay), failure);
  }

  private static List<Any> details(StatusRuntimeException failure)
      throws InvalidProtocolBufferException {
    byte[] bytes = failure.getTrailers() == null ? null : failure.getTrailers().get(DETAILS);
    return bytes == null ? List.of() : com.google.rpc.Status.parseFrom(bytes).getDetailsList();
  }

  /** The exception of ours that this one is, or was caused by. */
  static Optional<AshaException> causing(Throwable problem) {
    Throwable link = problem;
    for (int i = 0; i < MAX_CAUSES && link != null; i++, link = link.getCause()) {
      if (link instanceof AshaException ours) {
        return Optional.of(ours);
      }
    }
    return Optional.empty();
  }

  /**
   * Name of the gRPC status.
   *
   * @return {@code NOT_FOUND}, for example; empty for errors of this client
   */
  public String code() {
    return code;
  }

  /**
   * Name of {@code asha.v1.ErrorReason} without prefix.
   *
   * @return {@code TRIAL_NOT_FOUND}, for example; any text of a newer server; empty if it gave none
   */
  public String reason() {
    return reason;
  }

  /**
   * Every dynamic part of the message, by stable key.
   *
   * @return unmodifiable
   */
  public Map<String, String> metadata() {
    return details().metadata;
  }

  /**
   * All wrong fields of the request.
   *
   * @return unmodifiable
   */
  public List<FieldViolation> violations() {
    return details().violations;
  }

  /**
   * After which time a retry is worthwhile.
   *
   * @return empty if the server named none
   */
  public Optional<Duration> retryDelay() {
    return Optional.ofNullable(details().retryDelay);
  }

  /**
   * Whether the same call may be sent again.
   *
   * @return true for UNAVAILABLE, DEADLINE_EXCEEDED, and RESOURCE_EXHAUSTED with a retry delay
   */
  public boolean isRetryable() {
    return switch (code) {
      case "UNAVAILABLE", "DEADLINE_EXCEEDED" -> true;
      case "RESOURCE_EXHAUSTED" -> retryDelay().isPresent();
      default -> false;
    };
  }

  /** Whether the attempt that was spoken of is over: fenced, ended, or deleted. */
  boolean isAttemptOver() {
    return reason.equals("LEASE_LOST") || reason.equals("TRIAL_ENDED") || code.equals("NOT_FOUND");
  }

  private Details details() {
    return details == null ? Details.NONE : details; // null after deserialization
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(super.toString());
    String label = code.isEmpty() || reason.isEmpty() ? code + reason : code + "/" + reason;
    text.append(" [").append(label).append(']');
    violations().forEach(v -> text.append("\n  " + v.field + ": " + v.description));
    return text.toString();
  }
}
