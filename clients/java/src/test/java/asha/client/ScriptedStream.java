package asha.client;

import asha.v1.ErrorReason;
import asha.v1.FieldViolation;
import asha.v1.PushedDecision;
import asha.v1.ReportMetricResponse;
import asha.v1.ReportMetricsResponse;
import asha.v1.ReportResult;
import asha.v1.SessionError;
import asha.v1.TrainingSessionRequest;
import asha.v1.TrainingSessionResponse;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The scripted server's end of one session. */
final class ScriptedStream implements StreamObserver<TrainingSessionRequest> {
  private final ScriptedServer server;
  private final StreamObserver<TrainingSessionResponse> answers;
  private final List<Long> numbers = new ArrayList<>();
  private String ending = "";
  private boolean isMute;

  ScriptedStream(ScriptedServer server, StreamObserver<TrainingSessionResponse> answers) {
    this.server = server;
    this.answers = answers;
  }

  /** Answers nothing, as a proxy that keeps everything back. */
  synchronized void mute() {
    isMute = true;
  }

  /** Ends the stream. */
  synchronized void end(RuntimeException refusal) {
    answers.onError(refusal);
  }

  /** Tells of a decision that nobody asked for. */
  synchronized void push(PushedDecision.Builder pushed) {
    answers.onNext(TrainingSessionResponse.newBuilder().setPushed(pushed).build());
  }

  /** Sends an answer that was held back. */
  synchronized void answer(long number, TrainingSessionResponse.Builder answer) {
    answers.onNext(answer.setRequestNumber(number).build());
  }

  /** The numbers of the requests so far. */
  synchronized List<Long> numbers() {
    return List.copyOf(numbers);
  }

  /** How the client ended it: "completed" politely, "cancelled" otherwise; empty: not yet. */
  synchronized String ending() {
    return ending;
  }

  @Override
  public synchronized void onNext(TrainingSessionRequest request) {
    numbers.add(request.getRequestNumber());
    if (isMute) {
      return;
    }
    var response =
        TrainingSessionResponse.newBuilder().setRequestNumber(request.getRequestNumber());
    boolean isReport = request.hasReportMetrics();
    var arm = TrainingSessionRequest.getDescriptor().getOneofs().get(0);
    var field = request.getOneofFieldDescriptor(arm);
    Message asked =
        isReport ? request.getReportMetrics().getReports(0) : (Message) request.getField(field);
    Object answer = server.answer(asked, Optional.of(this));
    if (answer == ScriptedServer.SILENCE) {
      return;
    }
    if (isReport) {
      ReportResult.Builder result = ReportResult.newBuilder();
      if (answer instanceof RuntimeException refusal) {
        result.setError(error(refusal));
      } else {
        result.setResponse((ReportMetricResponse) answer);
      }
      response.setReportMetrics(ReportMetricsResponse.newBuilder().addResults(result));
    } else if (answer instanceof RuntimeException refusal) {
      response.setError(error(refusal));
    } else {
      response.setField(
          TrainingSessionResponse.getDescriptor().findFieldByName(field.getName()), answer);
    }
    answers.onNext(response.build());
  }

  @Override
  public synchronized void onError(Throwable cancelled) {
    ending = "cancelled";
  }

  @Override
  public synchronized void onCompleted() {
    ending = "completed";
    answers.onCompleted();
  }

  /** The refusal of a unary call as that of a session. */
  private static SessionError error(RuntimeException refusal) {
    var status = StatusProto.fromThrowable(refusal);
    SessionError.Builder error =
        SessionError.newBuilder().setCode(status.getCode()).setMessage(status.getMessage());
    try {
      for (Any detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          error.setReason(ErrorReason.valueOf("ERROR_REASON_" + info.getReason()));
          error.putAllMetadata(info.getMetadataMap());
        } else if (detail.is(BadRequest.class)) {
          for (var wrong : detail.unpack(BadRequest.class).getFieldViolationsList()) {
            error.addFieldViolations(
                FieldViolation.newBuilder()
                    .setField(wrong.getField())
                    .setDescription(wrong.getDescription()));
          }
        } else if (detail.is(RetryInfo.class)) {
          error.setRetryDelay(detail.unpack(RetryInfo.class).getRetryDelay());
        }
      }
    } catch (InvalidProtocolBufferException impossible) { // the test's own details
      throw new AssertionError(impossible);
    }
    return error.build();
  }
}
