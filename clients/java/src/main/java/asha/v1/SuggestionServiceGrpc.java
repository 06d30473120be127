package asha.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Called by training processes: take a trial, report its metrics, hear what was decided.
 * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
 * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class SuggestionServiceGrpc {

  private SuggestionServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "asha.v1.SuggestionService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<asha.v1.GetSuggestionRequest,
      asha.v1.GetSuggestionResponse> getGetSuggestionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetSuggestion",
      requestType = asha.v1.GetSuggestionRequest.class,
      responseType = asha.v1.GetSuggestionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.GetSuggestionRequest,
      asha.v1.GetSuggestionResponse> getGetSuggestionMethod() {
    io.grpc.MethodDescriptor<asha.v1.GetSuggestionRequest, asha.v1.GetSuggestionResponse> getGetSuggestionMethod;
    if ((getGetSuggestionMethod = SuggestionServiceGrpc.getGetSuggestionMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getGetSuggestionMethod = SuggestionServiceGrpc.getGetSuggestionMethod) == null) {
          SuggestionServiceGrpc.getGetSuggestionMethod = getGetSuggestionMethod =
              io.grpc.MethodDescriptor.<asha.v1.GetSuggestionRequest, asha.v1.GetSuggestionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetSuggestion"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetSuggestionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetSuggestionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("GetSuggestion"))
              .build();
        }
      }
    }
    return getGetSuggestionMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ReportMetricRequest,
      asha.v1.ReportMetricResponse> getReportMetricMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReportMetric",
      requestType = asha.v1.ReportMetricRequest.class,
      responseType = asha.v1.ReportMetricResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ReportMetricRequest,
      asha.v1.ReportMetricResponse> getReportMetricMethod() {
    io.grpc.MethodDescriptor<asha.v1.ReportMetricRequest, asha.v1.ReportMetricResponse> getReportMetricMethod;
    if ((getReportMetricMethod = SuggestionServiceGrpc.getReportMetricMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getReportMetricMethod = SuggestionServiceGrpc.getReportMetricMethod) == null) {
          SuggestionServiceGrpc.getReportMetricMethod = getReportMetricMethod =
              io.grpc.MethodDescriptor.<asha.v1.ReportMetricRequest, asha.v1.ReportMetricResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReportMetric"))
              .setIdempotent(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ReportMetricRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ReportMetricResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("ReportMetric"))
              .build();
        }
      }
    }
    return getReportMetricMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ShouldStopRequest,
      asha.v1.ShouldStopResponse> getShouldStopMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ShouldStop",
      requestType = asha.v1.ShouldStopRequest.class,
      responseType = asha.v1.ShouldStopResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ShouldStopRequest,
      asha.v1.ShouldStopResponse> getShouldStopMethod() {
    io.grpc.MethodDescriptor<asha.v1.ShouldStopRequest, asha.v1.ShouldStopResponse> getShouldStopMethod;
    if ((getShouldStopMethod = SuggestionServiceGrpc.getShouldStopMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getShouldStopMethod = SuggestionServiceGrpc.getShouldStopMethod) == null) {
          SuggestionServiceGrpc.getShouldStopMethod = getShouldStopMethod =
              io.grpc.MethodDescriptor.<asha.v1.ShouldStopRequest, asha.v1.ShouldStopResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ShouldStop"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ShouldStopRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ShouldStopResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("ShouldStop"))
              .build();
        }
      }
    }
    return getShouldStopMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.HeartbeatRequest,
      asha.v1.HeartbeatResponse> getHeartbeatMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "Heartbeat",
      requestType = asha.v1.HeartbeatRequest.class,
      responseType = asha.v1.HeartbeatResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.HeartbeatRequest,
      asha.v1.HeartbeatResponse> getHeartbeatMethod() {
    io.grpc.MethodDescriptor<asha.v1.HeartbeatRequest, asha.v1.HeartbeatResponse> getHeartbeatMethod;
    if ((getHeartbeatMethod = SuggestionServiceGrpc.getHeartbeatMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getHeartbeatMethod = SuggestionServiceGrpc.getHeartbeatMethod) == null) {
          SuggestionServiceGrpc.getHeartbeatMethod = getHeartbeatMethod =
              io.grpc.MethodDescriptor.<asha.v1.HeartbeatRequest, asha.v1.HeartbeatResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "Heartbeat"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.HeartbeatRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.HeartbeatResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("Heartbeat"))
              .build();
        }
      }
    }
    return getHeartbeatMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ReportCheckpointRequest,
      asha.v1.ReportCheckpointResponse> getReportCheckpointMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReportCheckpoint",
      requestType = asha.v1.ReportCheckpointRequest.class,
      responseType = asha.v1.ReportCheckpointResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ReportCheckpointRequest,
      asha.v1.ReportCheckpointResponse> getReportCheckpointMethod() {
    io.grpc.MethodDescriptor<asha.v1.ReportCheckpointRequest, asha.v1.ReportCheckpointResponse> getReportCheckpointMethod;
    if ((getReportCheckpointMethod = SuggestionServiceGrpc.getReportCheckpointMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getReportCheckpointMethod = SuggestionServiceGrpc.getReportCheckpointMethod) == null) {
          SuggestionServiceGrpc.getReportCheckpointMethod = getReportCheckpointMethod =
              io.grpc.MethodDescriptor.<asha.v1.ReportCheckpointRequest, asha.v1.ReportCheckpointResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReportCheckpoint"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ReportCheckpointRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ReportCheckpointResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("ReportCheckpoint"))
              .build();
        }
      }
    }
    return getReportCheckpointMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.CompleteTrialRequest,
      asha.v1.CompleteTrialResponse> getCompleteTrialMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CompleteTrial",
      requestType = asha.v1.CompleteTrialRequest.class,
      responseType = asha.v1.CompleteTrialResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.CompleteTrialRequest,
      asha.v1.CompleteTrialResponse> getCompleteTrialMethod() {
    io.grpc.MethodDescriptor<asha.v1.CompleteTrialRequest, asha.v1.CompleteTrialResponse> getCompleteTrialMethod;
    if ((getCompleteTrialMethod = SuggestionServiceGrpc.getCompleteTrialMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getCompleteTrialMethod = SuggestionServiceGrpc.getCompleteTrialMethod) == null) {
          SuggestionServiceGrpc.getCompleteTrialMethod = getCompleteTrialMethod =
              io.grpc.MethodDescriptor.<asha.v1.CompleteTrialRequest, asha.v1.CompleteTrialResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CompleteTrial"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CompleteTrialRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CompleteTrialResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("CompleteTrial"))
              .build();
        }
      }
    }
    return getCompleteTrialMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.FailTrialRequest,
      asha.v1.FailTrialResponse> getFailTrialMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "FailTrial",
      requestType = asha.v1.FailTrialRequest.class,
      responseType = asha.v1.FailTrialResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.FailTrialRequest,
      asha.v1.FailTrialResponse> getFailTrialMethod() {
    io.grpc.MethodDescriptor<asha.v1.FailTrialRequest, asha.v1.FailTrialResponse> getFailTrialMethod;
    if ((getFailTrialMethod = SuggestionServiceGrpc.getFailTrialMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getFailTrialMethod = SuggestionServiceGrpc.getFailTrialMethod) == null) {
          SuggestionServiceGrpc.getFailTrialMethod = getFailTrialMethod =
              io.grpc.MethodDescriptor.<asha.v1.FailTrialRequest, asha.v1.FailTrialResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "FailTrial"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.FailTrialRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.FailTrialResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("FailTrial"))
              .build();
        }
      }
    }
    return getFailTrialMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ReleaseTrialRequest,
      asha.v1.ReleaseTrialResponse> getReleaseTrialMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ReleaseTrial",
      requestType = asha.v1.ReleaseTrialRequest.class,
      responseType = asha.v1.ReleaseTrialResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ReleaseTrialRequest,
      asha.v1.ReleaseTrialResponse> getReleaseTrialMethod() {
    io.grpc.MethodDescriptor<asha.v1.ReleaseTrialRequest, asha.v1.ReleaseTrialResponse> getReleaseTrialMethod;
    if ((getReleaseTrialMethod = SuggestionServiceGrpc.getReleaseTrialMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getReleaseTrialMethod = SuggestionServiceGrpc.getReleaseTrialMethod) == null) {
          SuggestionServiceGrpc.getReleaseTrialMethod = getReleaseTrialMethod =
              io.grpc.MethodDescriptor.<asha.v1.ReleaseTrialRequest, asha.v1.ReleaseTrialResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ReleaseTrial"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ReleaseTrialRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ReleaseTrialResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("ReleaseTrial"))
              .build();
        }
      }
    }
    return getReleaseTrialMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.TrainingSessionRequest,
      asha.v1.TrainingSessionResponse> getTrainingSessionMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "TrainingSession",
      requestType = asha.v1.TrainingSessionRequest.class,
      responseType = asha.v1.TrainingSessionResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<asha.v1.TrainingSessionRequest,
      asha.v1.TrainingSessionResponse> getTrainingSessionMethod() {
    io.grpc.MethodDescriptor<asha.v1.TrainingSessionRequest, asha.v1.TrainingSessionResponse> getTrainingSessionMethod;
    if ((getTrainingSessionMethod = SuggestionServiceGrpc.getTrainingSessionMethod) == null) {
      synchronized (SuggestionServiceGrpc.class) {
        if ((getTrainingSessionMethod = SuggestionServiceGrpc.getTrainingSessionMethod) == null) {
          SuggestionServiceGrpc.getTrainingSessionMethod = getTrainingSessionMethod =
              io.grpc.MethodDescriptor.<asha.v1.TrainingSessionRequest, asha.v1.TrainingSessionResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "TrainingSession"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.TrainingSessionRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.TrainingSessionResponse.getDefaultInstance()))
              .setSchemaDescriptor(new SuggestionServiceMethodDescriptorSupplier("TrainingSession"))
              .build();
        }
      }
    }
    return getTrainingSessionMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static SuggestionServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceStub>() {
        @java.lang.Override
        public SuggestionServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SuggestionServiceStub(channel, callOptions);
        }
      };
    return SuggestionServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static SuggestionServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceBlockingV2Stub>() {
        @java.lang.Override
        public SuggestionServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SuggestionServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return SuggestionServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static SuggestionServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceBlockingStub>() {
        @java.lang.Override
        public SuggestionServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SuggestionServiceBlockingStub(channel, callOptions);
        }
      };
    return SuggestionServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static SuggestionServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<SuggestionServiceFutureStub>() {
        @java.lang.Override
        public SuggestionServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new SuggestionServiceFutureStub(channel, callOptions);
        }
      };
    return SuggestionServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Called by training processes: take a trial, report its metrics, hear what was decided.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
   * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Asks for a trial to train. Idempotent by request_id. Wait and finished are answers, not errors.
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, ABORTED / LEASE_LOST (the request_id's attempt is over).
     * </pre>
     */
    default void getSuggestion(asha.v1.GetSuggestionRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetSuggestionResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetSuggestionMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports metrics at a step, renews the lease and answers the decision once both are durable.
     * Idempotent by (trial, attempt, step). ALREADY_EXISTS / METRIC_CONFLICT, FAILED_PRECONDITION / TRIAL_ENDED,
     * ABORTED / LEASE_LOST, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void reportMetric(asha.v1.ReportMetricRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ReportMetricResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReportMetricMethod(), responseObserver);
    }

    /**
     * <pre>
     * Asks what was decided about an attempt. Reads only and does not renew the lease; never an error for a trial that
     * ended or a lease that is lost: it says STOP and why. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void shouldStop(asha.v1.ShouldStopRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ShouldStopResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getShouldStopMethod(), responseObserver);
    }

    /**
     * <pre>
     * Renews the lease. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void heartbeat(asha.v1.HeartbeatRequest request,
        io.grpc.stub.StreamObserver<asha.v1.HeartbeatResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getHeartbeatMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reports a complete checkpoint and renews the lease. Accepted after PAUSE until the trial is handed on.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void reportCheckpoint(asha.v1.ReportCheckpointRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ReportCheckpointResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReportCheckpointMethod(), responseObserver);
    }

    /**
     * <pre>
     * The training ended by itself and is over. The same call again gets the same answer; after STOP or PAUSE it changes
     * nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void completeTrial(asha.v1.CompleteTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CompleteTrialResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCompleteTrialMethod(), responseObserver);
    }

    /**
     * <pre>
     * The training failed. The same call again gets the same answer; after STOP or PAUSE it changes nothing.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void failTrial(asha.v1.FailTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.FailTrialResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getFailTrialMethod(), responseObserver);
    }

    /**
     * <pre>
     * The worker is going away (preempted); another goes on from the last checkpoint, uncounted. The same call again gets
     * the same answer; after STOP or PAUSE it changes nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED,
     * NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void releaseTrial(asha.v1.ReleaseTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ReleaseTrialResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getReleaseTrialMethod(), responseObserver);
    }

    /**
     * <pre>
     * All of the above on one connection, for any number of trials; decisions are pushed as they happen. A refused request
     * is answered by SessionError on the stream, which goes on. RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open sessions).
     * </pre>
     */
    default io.grpc.stub.StreamObserver<asha.v1.TrainingSessionRequest> trainingSession(
        io.grpc.stub.StreamObserver<asha.v1.TrainingSessionResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getTrainingSessionMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service SuggestionService.
   * <pre>
   * Called by training processes: take a trial, report its metrics, hear what was decided.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
   * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
   * </pre>
   */
  public static abstract class SuggestionServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return SuggestionServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service SuggestionService.
   * <pre>
   * Called by training processes: take a trial, report its metrics, hear what was decided.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
   * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
   * </pre>
   */
  public static final class SuggestionServiceStub
      extends io.grpc.stub.AbstractAsyncStub<SuggestionServiceStub> {
    private SuggestionServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SuggestionServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SuggestionServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks for a trial to train. Idempotent by request_id. Wait and finished are answers, not errors.
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, ABORTED / LEASE_LOST (the request_id's attempt is over).
     * </pre>
     */
    public void getSuggestion(asha.v1.GetSuggestionRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetSuggestionResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetSuggestionMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports metrics at a step, renews the lease and answers the decision once both are durable.
     * Idempotent by (trial, attempt, step). ALREADY_EXISTS / METRIC_CONFLICT, FAILED_PRECONDITION / TRIAL_ENDED,
     * ABORTED / LEASE_LOST, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void reportMetric(asha.v1.ReportMetricRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ReportMetricResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReportMetricMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Asks what was decided about an attempt. Reads only and does not renew the lease; never an error for a trial that
     * ended or a lease that is lost: it says STOP and why. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void shouldStop(asha.v1.ShouldStopRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ShouldStopResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getShouldStopMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Renews the lease. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void heartbeat(asha.v1.HeartbeatRequest request,
        io.grpc.stub.StreamObserver<asha.v1.HeartbeatResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getHeartbeatMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reports a complete checkpoint and renews the lease. Accepted after PAUSE until the trial is handed on.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void reportCheckpoint(asha.v1.ReportCheckpointRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ReportCheckpointResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReportCheckpointMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The training ended by itself and is over. The same call again gets the same answer; after STOP or PAUSE it changes
     * nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void completeTrial(asha.v1.CompleteTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CompleteTrialResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCompleteTrialMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The training failed. The same call again gets the same answer; after STOP or PAUSE it changes nothing.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void failTrial(asha.v1.FailTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.FailTrialResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getFailTrialMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The worker is going away (preempted); another goes on from the last checkpoint, uncounted. The same call again gets
     * the same answer; after STOP or PAUSE it changes nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED,
     * NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void releaseTrial(asha.v1.ReleaseTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ReleaseTrialResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getReleaseTrialMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * All of the above on one connection, for any number of trials; decisions are pushed as they happen. A refused request
     * is answered by SessionError on the stream, which goes on. RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open sessions).
     * </pre>
     */
    public io.grpc.stub.StreamObserver<asha.v1.TrainingSessionRequest> trainingSession(
        io.grpc.stub.StreamObserver<asha.v1.TrainingSessionResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getTrainingSessionMethod(), getCallOptions()), responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service SuggestionService.
   * <pre>
   * Called by training processes: take a trial, report its metrics, hear what was decided.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
   * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
   * </pre>
   */
  public static final class SuggestionServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<SuggestionServiceBlockingV2Stub> {
    private SuggestionServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SuggestionServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SuggestionServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks for a trial to train. Idempotent by request_id. Wait and finished are answers, not errors.
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, ABORTED / LEASE_LOST (the request_id's attempt is over).
     * </pre>
     */
    public asha.v1.GetSuggestionResponse getSuggestion(asha.v1.GetSuggestionRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetSuggestionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports metrics at a step, renews the lease and answers the decision once both are durable.
     * Idempotent by (trial, attempt, step). ALREADY_EXISTS / METRIC_CONFLICT, FAILED_PRECONDITION / TRIAL_ENDED,
     * ABORTED / LEASE_LOST, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ReportMetricResponse reportMetric(asha.v1.ReportMetricRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReportMetricMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks what was decided about an attempt. Reads only and does not renew the lease; never an error for a trial that
     * ended or a lease that is lost: it says STOP and why. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ShouldStopResponse shouldStop(asha.v1.ShouldStopRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getShouldStopMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Renews the lease. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.HeartbeatResponse heartbeat(asha.v1.HeartbeatRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getHeartbeatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports a complete checkpoint and renews the lease. Accepted after PAUSE until the trial is handed on.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ReportCheckpointResponse reportCheckpoint(asha.v1.ReportCheckpointRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReportCheckpointMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The training ended by itself and is over. The same call again gets the same answer; after STOP or PAUSE it changes
     * nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.CompleteTrialResponse completeTrial(asha.v1.CompleteTrialRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCompleteTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The training failed. The same call again gets the same answer; after STOP or PAUSE it changes nothing.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.FailTrialResponse failTrial(asha.v1.FailTrialRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getFailTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The worker is going away (preempted); another goes on from the last checkpoint, uncounted. The same call again gets
     * the same answer; after STOP or PAUSE it changes nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED,
     * NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ReleaseTrialResponse releaseTrial(asha.v1.ReleaseTrialRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getReleaseTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * All of the above on one connection, for any number of trials; decisions are pushed as they happen. A refused request
     * is answered by SessionError on the stream, which goes on. RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open sessions).
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<asha.v1.TrainingSessionRequest, asha.v1.TrainingSessionResponse>
        trainingSession() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getTrainingSessionMethod(), getCallOptions());
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service SuggestionService.
   * <pre>
   * Called by training processes: take a trial, report its metrics, hear what was decided.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
   * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
   * </pre>
   */
  public static final class SuggestionServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<SuggestionServiceBlockingStub> {
    private SuggestionServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SuggestionServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SuggestionServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks for a trial to train. Idempotent by request_id. Wait and finished are answers, not errors.
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, ABORTED / LEASE_LOST (the request_id's attempt is over).
     * </pre>
     */
    public asha.v1.GetSuggestionResponse getSuggestion(asha.v1.GetSuggestionRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetSuggestionMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports metrics at a step, renews the lease and answers the decision once both are durable.
     * Idempotent by (trial, attempt, step). ALREADY_EXISTS / METRIC_CONFLICT, FAILED_PRECONDITION / TRIAL_ENDED,
     * ABORTED / LEASE_LOST, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ReportMetricResponse reportMetric(asha.v1.ReportMetricRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReportMetricMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Asks what was decided about an attempt. Reads only and does not renew the lease; never an error for a trial that
     * ended or a lease that is lost: it says STOP and why. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ShouldStopResponse shouldStop(asha.v1.ShouldStopRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getShouldStopMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Renews the lease. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.HeartbeatResponse heartbeat(asha.v1.HeartbeatRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getHeartbeatMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reports a complete checkpoint and renews the lease. Accepted after PAUSE until the trial is handed on.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ReportCheckpointResponse reportCheckpoint(asha.v1.ReportCheckpointRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReportCheckpointMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The training ended by itself and is over. The same call again gets the same answer; after STOP or PAUSE it changes
     * nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.CompleteTrialResponse completeTrial(asha.v1.CompleteTrialRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCompleteTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The training failed. The same call again gets the same answer; after STOP or PAUSE it changes nothing.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.FailTrialResponse failTrial(asha.v1.FailTrialRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getFailTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The worker is going away (preempted); another goes on from the last checkpoint, uncounted. The same call again gets
     * the same answer; after STOP or PAUSE it changes nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED,
     * NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ReleaseTrialResponse releaseTrial(asha.v1.ReleaseTrialRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getReleaseTrialMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service SuggestionService.
   * <pre>
   * Called by training processes: take a trial, report its metrics, hear what was decided.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND / EXPERIMENT_NOT_FOUND,
   * RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and INTERNAL; every call may be sent again.
   * </pre>
   */
  public static final class SuggestionServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<SuggestionServiceFutureStub> {
    private SuggestionServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected SuggestionServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new SuggestionServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Asks for a trial to train. Idempotent by request_id. Wait and finished are answers, not errors.
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, ABORTED / LEASE_LOST (the request_id's attempt is over).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.GetSuggestionResponse> getSuggestion(
        asha.v1.GetSuggestionRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetSuggestionMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports metrics at a step, renews the lease and answers the decision once both are durable.
     * Idempotent by (trial, attempt, step). ALREADY_EXISTS / METRIC_CONFLICT, FAILED_PRECONDITION / TRIAL_ENDED,
     * ABORTED / LEASE_LOST, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ReportMetricResponse> reportMetric(
        asha.v1.ReportMetricRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReportMetricMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Asks what was decided about an attempt. Reads only and does not renew the lease; never an error for a trial that
     * ended or a lease that is lost: it says STOP and why. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ShouldStopResponse> shouldStop(
        asha.v1.ShouldStopRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getShouldStopMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Renews the lease. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.HeartbeatResponse> heartbeat(
        asha.v1.HeartbeatRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getHeartbeatMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reports a complete checkpoint and renews the lease. Accepted after PAUSE until the trial is handed on.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ReportCheckpointResponse> reportCheckpoint(
        asha.v1.ReportCheckpointRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReportCheckpointMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The training ended by itself and is over. The same call again gets the same answer; after STOP or PAUSE it changes
     * nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.CompleteTrialResponse> completeTrial(
        asha.v1.CompleteTrialRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCompleteTrialMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The training failed. The same call again gets the same answer; after STOP or PAUSE it changes nothing.
     * ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.FailTrialResponse> failTrial(
        asha.v1.FailTrialRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getFailTrialMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The worker is going away (preempted); another goes on from the last checkpoint, uncounted. The same call again gets
     * the same answer; after STOP or PAUSE it changes nothing. ABORTED / LEASE_LOST, FAILED_PRECONDITION / TRIAL_ENDED,
     * NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ReleaseTrialResponse> releaseTrial(
        asha.v1.ReleaseTrialRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getReleaseTrialMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_GET_SUGGESTION = 0;
  private static final int METHODID_REPORT_METRIC = 1;
  private static final int METHODID_SHOULD_STOP = 2;
  private static final int METHODID_HEARTBEAT = 3;
  private static final int METHODID_REPORT_CHECKPOINT = 4;
  private static final int METHODID_COMPLETE_TRIAL = 5;
  private static final int METHODID_FAIL_TRIAL = 6;
  private static final int METHODID_RELEASE_TRIAL = 7;
  private static final int METHODID_TRAINING_SESSION = 8;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_GET_SUGGESTION:
          serviceImpl.getSuggestion((asha.v1.GetSuggestionRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.GetSuggestionResponse>) responseObserver);
          break;
        case METHODID_REPORT_METRIC:
          serviceImpl.reportMetric((asha.v1.ReportMetricRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ReportMetricResponse>) responseObserver);
          break;
        case METHODID_SHOULD_STOP:
          serviceImpl.shouldStop((asha.v1.ShouldStopRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ShouldStopResponse>) responseObserver);
          break;
        case METHODID_HEARTBEAT:
          serviceImpl.heartbeat((asha.v1.HeartbeatRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.HeartbeatResponse>) responseObserver);
          break;
        case METHODID_REPORT_CHECKPOINT:
          serviceImpl.reportCheckpoint((asha.v1.ReportCheckpointRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ReportCheckpointResponse>) responseObserver);
          break;
        case METHODID_COMPLETE_TRIAL:
          serviceImpl.completeTrial((asha.v1.CompleteTrialRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.CompleteTrialResponse>) responseObserver);
          break;
        case METHODID_FAIL_TRIAL:
          serviceImpl.failTrial((asha.v1.FailTrialRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.FailTrialResponse>) responseObserver);
          break;
        case METHODID_RELEASE_TRIAL:
          serviceImpl.releaseTrial((asha.v1.ReleaseTrialRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ReleaseTrialResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_TRAINING_SESSION:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.trainingSession(
              (io.grpc.stub.StreamObserver<asha.v1.TrainingSessionResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getGetSuggestionMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.GetSuggestionRequest,
              asha.v1.GetSuggestionResponse>(
                service, METHODID_GET_SUGGESTION)))
        .addMethod(
          getReportMetricMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ReportMetricRequest,
              asha.v1.ReportMetricResponse>(
                service, METHODID_REPORT_METRIC)))
        .addMethod(
          getShouldStopMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ShouldStopRequest,
              asha.v1.ShouldStopResponse>(
                service, METHODID_SHOULD_STOP)))
        .addMethod(
          getHeartbeatMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.HeartbeatRequest,
              asha.v1.HeartbeatResponse>(
                service, METHODID_HEARTBEAT)))
        .addMethod(
          getReportCheckpointMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ReportCheckpointRequest,
              asha.v1.ReportCheckpointResponse>(
                service, METHODID_REPORT_CHECKPOINT)))
        .addMethod(
          getCompleteTrialMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.CompleteTrialRequest,
              asha.v1.CompleteTrialResponse>(
                service, METHODID_COMPLETE_TRIAL)))
        .addMethod(
          getFailTrialMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.FailTrialRequest,
              asha.v1.FailTrialResponse>(
                service, METHODID_FAIL_TRIAL)))
        .addMethod(
          getReleaseTrialMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ReleaseTrialRequest,
              asha.v1.ReleaseTrialResponse>(
                service, METHODID_RELEASE_TRIAL)))
        .addMethod(
          getTrainingSessionMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              asha.v1.TrainingSessionRequest,
              asha.v1.TrainingSessionResponse>(
                service, METHODID_TRAINING_SESSION)))
        .build();
  }

  private static abstract class SuggestionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    SuggestionServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return asha.v1.SuggestionServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("SuggestionService");
    }
  }

  private static final class SuggestionServiceFileDescriptorSupplier
      extends SuggestionServiceBaseDescriptorSupplier {
    SuggestionServiceFileDescriptorSupplier() {}
  }

  private static final class SuggestionServiceMethodDescriptorSupplier
      extends SuggestionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    SuggestionServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (SuggestionServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new SuggestionServiceFileDescriptorSupplier())
              .addMethod(getGetSuggestionMethod())
              .addMethod(getReportMetricMethod())
              .addMethod(getShouldStopMethod())
              .addMethod(getHeartbeatMethod())
              .addMethod(getReportCheckpointMethod())
              .addMethod(getCompleteTrialMethod())
              .addMethod(getFailTrialMethod())
              .addMethod(getReleaseTrialMethod())
              .addMethod(getTrainingSessionMethod())
              .build();
        }
      }
    }
    return result;
  }
}
