package asha.conformance;

import asha.client.AshaClient;
import asha.client.AshaException;
import asha.client.CallLimits;
import asha.client.Decision;
import asha.client.Trial;
import asha.client.TrialFailureException;
import asha.client.Trials;
import asha.client.Value;
import asha.v1.AdminServiceGrpc;
import asha.v1.ExperimentServiceGrpc;
import asha.v1.GetServerInfoRequest;
import asha.v1.SuggestionServiceGrpc;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import io.grpc.InsecureServerCredentials;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Does with the client what lines of JSON say; see clients/conformance/README.md. */
public final class Driver implements AutoCloseable {
  private static final Map<String, MethodDescriptor<?, ?>> METHODS = new HashMap<>();

  static {
    Stream.of(
            SuggestionServiceGrpc.getServiceDescriptor(),
            ExperimentServiceGrpc.getServiceDescriptor(),
            AdminServiceGrpc.getServiceDescriptor())
        .flatMap(service -> service.getMethods().stream())
        .forEach(method -> METHODS.put(method.getFullMethodName(), method));
  }

  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "cancel");
            thread.setDaemon(true);
            return thread;
          });
  private AshaClient client;
  private CallLimits limits;
  private String workerId;
  private Trials trials;
  private Trial trial;

  private Driver() {}

  /**
   * Reads steps from standard input and writes answers to standard output until the input ends.
   *
   * @param arguments none
   * @throws IOException standard input cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    warmUp();
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream output = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    try (Driver driver = new Driver()) {
      for (String line = input.readLine(); line != null; line = input.readLine()) {
        output.println(driver.answer(JsonParser.parseString(line).getAsJsonObject()));
      }
    }
  }

  /** Loads what a call needs, by one to a server without services: the first case has a clock. */
  private static void warmUp() throws IOException {
    InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    Server server =
        NettyServerBuilder.forAddress(anyPort, InsecureServerCredentials.create()).build().start();
    try (AshaClient client = AshaClient.connect("127.0.0.1:" + server.getPort())) {
      client.call(
          AdminServiceGrpc.getGetServerInfoMethod(), GetServerInfoRequest.getDefaultInstance());
    } catch (AshaException unimplemented) {
      // As it must be.
    } finally {
      server.shutdownNow();
    }
  }

  private JsonObject answer(JsonObject step) {
    JsonObject answer = new JsonObject();
    answer.add("id", step.get("id"));
    try {
      answer.add("ok", perform(step));
    } catch (AshaException refusal) {
      answer.add("error", error(refusal));
    } catch (Exception problem) {
      problem.printStackTrace();
      JsonObject error = new JsonObject();
      error.addProperty("code", "DRIVER");
      error.addProperty("message", problem.toString());
      answer.add("error", error);
    }
    return answer;
  }

  private JsonElement perform(JsonObject step) throws IOException {
    JsonObject done = new JsonObject();
    switch (text(step, "do")) {
      case "connect" -> connect(step);
      case "call" -> {
        return call(step);
      }
      case "next_trial" -> {
        return nextTrial(step);
      }
      case "report" -> {
        return report(step);
      }
      case "decision" -> {
        return hand().decision().map(Driver::decision).orElse(done);
      }
      case "checkpoint" -> hand().reportCheckpoint(step.get("step").getAsLong(), text(step, "uri"));
      case "fail" -> {
        String message = text(step, "message");
        takeHand().run(t -> raise(new IllegalStateException(message)));
      }
      case "infeasible" -> {
        String message = text(step, "message");
        takeHand().run(t -> raise(TrialFailureException.infeasible(message)));
      }
      case "release" -> takeHand().release("");
      case "end" -> takeHand().run(t -> {});
      case "close" -> disconnect();
      default -> throw new IllegalArgumentException("no such step: " + step);
    }
    return done;
  }

  private static void raise(RuntimeException problem) {
    throw problem;
  }

  private void connect(JsonObject step) throws IOException {
    disconnect();
    AshaClient.Builder settings =
        AshaClient.builder().address(text(step, "address")).token(text(step, "token"));
    if (!text(step, "root_certificates").isEmpty()) {
      TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
      tls.trustManager(new File(text(step, "root_certificates")));
      if (!text(step, "client_certificate").isEmpty()) {
        tls.keyManager(
            new File(text(step, "client_certificate")), new File(text(step, "client_key")));
      }
      settings.credentials(tls.build());
    }
    limits =
        new CallLimits(
            seconds(step, "deadline_s", Duration.ofSeconds(10)),
            seconds(step, "give_up_after_s", CallLimits.FOREVER));
    client =
        settings
            .deadline(limits.deadline())
            .giveUpAfter(limits.giveUpAfter())
            .sessions(step.has("sessions") && step.get("sessions").getAsBoolean())
            .backoff(
                seconds(step, "backoff_initial_s", Duration.ofMillis(200)),
                seconds(step, "backoff_max_s", Duration.ofSeconds(20)))
            .connect();
    workerId = text(step, "worker_id");
  }

  private JsonElement call(JsonObject step) throws IOException {
    CallLimits callLimits =
        new CallLimits(
            seconds(step, "deadline_s", limits.deadline()),
            seconds(step, "give_up_after_s", limits.giveUpAfter()));
    MethodDescriptor<?, ?> method = METHODS.get(text(step, "method"));
    Thread caller = Thread.currentThread();
    Duration patience = seconds(step, "cancel_after_s", null);
    ScheduledFuture<?> cancel =
        patience == null
            ? null
            : timer.schedule(caller::interrupt, patience.toNanos(), TimeUnit.NANOSECONDS);
    try {
      MessageOrBuilder response = (Message) send(method, step.get("request"), callLimits);
      return JsonParser.parseString(JsonFormat.printer().print(response));
    } finally {
      if (cancel != null) {
        cancel.cancel(false);
      }
      Thread.interrupted();
    }
  }

  private <Q, R> R send(MethodDescriptor<Q, R> method, JsonElement json, CallLimits callLimits)
      throws IOException {
    var marshaller = (MethodDescriptor.PrototypeMarshaller<Q>) method.getRequestMarshaller();
    Message.Builder request = ((Message) marshaller.getMessagePrototype()).newBuilderForType();
    JsonFormat.parser().merge(json.toString(), request);
    return client.call(method, marshaller.getMessageClass().cast(request.build()), callLimits);
  }

  private JsonObject nextTrial(JsonObject step) {
    if (trials == null) {
      var experiment = client.experiment(text(step, "experiment_id"));
      trials = workerId.isEmpty() ? experiment.trials() : experiment.trials(workerId);
    }
    trial = null;
    JsonObject answer = new JsonObject();
    if (!trials.hasNext()) {
      answer.addProperty("finished", true);
      return answer;
    }
    trial = trials.next();
    answer.addProperty("trial", trial.number());
    answer.addProperty("attempt", trial.attempt());
    answer.addProperty("kind", trial.kind());
    answer.addProperty("start_step", trial.startStep());
    answer.addProperty("resumed_from", trial.checkpoint().orElse(""));
    answer.addProperty("target_length", trial.targetLength());
    answer.addProperty("max_length", trial.maxLength());
    answer.addProperty("seed", trial.seed());
    JsonArray configuration = new JsonArray();
    trial
        .configuration()
        .values()
        .forEach((name, value) -> configuration.add(parameter(name, value)));
    answer.add("configuration", configuration);
    return answer;
  }

  private static JsonArray parameter(String name, Value value) {
    JsonArray parameter = new JsonArray();
    parameter.add(name);
    if (value instanceof Value.Real real) {
      parameter.add("double");
      boolean isFinite = Double.isFinite(real.value());
      parameter.add(
          isFinite
              ? new JsonPrimitive(real.value())
              : new JsonPrimitive(Double.toString(real.value())));
    } else if (value instanceof Value.Int integer) {
      parameter.add("int");
      parameter.add(Long.toString(integer.value()));
    } else if (value instanceof Value.Text text) {
      parameter.add("string");
      parameter.add(text.value());
    } else if (value instanceof Value.Bool bool) {
      parameter.add("bool");
      parameter.add(bool.value());
    } else if (value instanceof Value.Json json) {
      parameter.add("json");
      parameter.add(json.value());
    } else {
      parameter.add("unknown");
      parameter.add(JsonNull.INSTANCE);
    }
    return parameter;
  }

  private JsonObject report(JsonObject step) {
    Map<String, Double> metrics = new HashMap<>();
    step.getAsJsonObject("metrics")
        .entrySet()
        .forEach(e -> metrics.put(e.getKey(), e.getValue().getAsDouble()));
    return decision(hand().report(step.get("step").getAsLong(), metrics, text(step, "checkpoint")));
  }

  private static JsonObject decision(Decision decision) {
    JsonObject json = new JsonObject();
    json.addProperty("verdict", decision.verdict().name());
    json.addProperty("reason", decision.reason());
    return json;
  }

  private static JsonObject error(AshaException refusal) {
    JsonObject error = new JsonObject();
    error.addProperty("code", refusal.code());
    error.addProperty("reason", refusal.reason());
    error.addProperty("message", refusal.getMessage());
    JsonObject metadata = new JsonObject();
    refusal.metadata().forEach(metadata::addProperty);
    error.add("metadata", metadata);
    JsonArray violations = new JsonArray();
    refusal
        .violations()
        .forEach(
            violation -> {
              JsonArray pair = new JsonArray();
              pair.add(violation.field());
              pair.add(violation.description());
              violations.add(pair);
            });
    error.add("violations", violations);
    refusal
        .retryDelay()
        .ifPresent(delay -> error.addProperty("retry_delay_s", delay.toNanos() / 1e9));
    return error;
  }

  private Trial hand() {
    if (trial == null) {
      throw new NoSuchElementException("no trial is in hand");
    }
    return trial;
  }

  private Trial takeHand() {
    Trial taken = hand();
    trial = null;
    return taken;
  }

  private void disconnect() {
    if (trials != null) {
      trials.close();
    }
    if (client != null) {
      client.close();
    }
    trials = null;
    trial = null;
    client = null;
  }

  @Override
  public void close() {
    disconnect();
  }

  private static String text(JsonObject step, String field) {
    JsonElement value = step.get(field);
    return value == null || value.isJsonNull() ? "" : value.getAsString();
  }

  private static Duration seconds(JsonObject step, String field, Duration otherwise) {
    JsonElement value = step.get(field);
    return value == null || value.isJsonNull()
        ? otherwise
        : Duration.ofNanos(Math.round(value.getAsDouble() * 1e9));
  }
}
