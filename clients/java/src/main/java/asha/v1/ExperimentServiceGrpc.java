package asha.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Called by people, controllers, the CLI and the web page.
 * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
 * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
 * INVALID_REQUEST.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class ExperimentServiceGrpc {

  private ExperimentServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "asha.v1.ExperimentService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<asha.v1.CreateExperimentRequest,
      asha.v1.CreateExperimentResponse> getCreateExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateExperiment",
      requestType = asha.v1.CreateExperimentRequest.class,
      responseType = asha.v1.CreateExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.CreateExperimentRequest,
      asha.v1.CreateExperimentResponse> getCreateExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.CreateExperimentRequest, asha.v1.CreateExperimentResponse> getCreateExperimentMethod;
    if ((getCreateExperimentMethod = ExperimentServiceGrpc.getCreateExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getCreateExperimentMethod = ExperimentServiceGrpc.getCreateExperimentMethod) == null) {
          ExperimentServiceGrpc.getCreateExperimentMethod = getCreateExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.CreateExperimentRequest, asha.v1.CreateExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CreateExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CreateExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("CreateExperiment"))
              .build();
        }
      }
    }
    return getCreateExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.GetExperimentRequest,
      asha.v1.GetExperimentResponse> getGetExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetExperiment",
      requestType = asha.v1.GetExperimentRequest.class,
      responseType = asha.v1.GetExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.GetExperimentRequest,
      asha.v1.GetExperimentResponse> getGetExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.GetExperimentRequest, asha.v1.GetExperimentResponse> getGetExperimentMethod;
    if ((getGetExperimentMethod = ExperimentServiceGrpc.getGetExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getGetExperimentMethod = ExperimentServiceGrpc.getGetExperimentMethod) == null) {
          ExperimentServiceGrpc.getGetExperimentMethod = getGetExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.GetExperimentRequest, asha.v1.GetExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetExperiment"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("GetExperiment"))
              .build();
        }
      }
    }
    return getGetExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ListExperimentsRequest,
      asha.v1.ListExperimentsResponse> getListExperimentsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListExperiments",
      requestType = asha.v1.ListExperimentsRequest.class,
      responseType = asha.v1.ListExperimentsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ListExperimentsRequest,
      asha.v1.ListExperimentsResponse> getListExperimentsMethod() {
    io.grpc.MethodDescriptor<asha.v1.ListExperimentsRequest, asha.v1.ListExperimentsResponse> getListExperimentsMethod;
    if ((getListExperimentsMethod = ExperimentServiceGrpc.getListExperimentsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getListExperimentsMethod = ExperimentServiceGrpc.getListExperimentsMethod) == null) {
          ExperimentServiceGrpc.getListExperimentsMethod = getListExperimentsMethod =
              io.grpc.MethodDescriptor.<asha.v1.ListExperimentsRequest, asha.v1.ListExperimentsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListExperiments"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListExperimentsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListExperimentsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ListExperiments"))
              .build();
        }
      }
    }
    return getListExperimentsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.UpdateExperimentRequest,
      asha.v1.UpdateExperimentResponse> getUpdateExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateExperiment",
      requestType = asha.v1.UpdateExperimentRequest.class,
      responseType = asha.v1.UpdateExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.UpdateExperimentRequest,
      asha.v1.UpdateExperimentResponse> getUpdateExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.UpdateExperimentRequest, asha.v1.UpdateExperimentResponse> getUpdateExperimentMethod;
    if ((getUpdateExperimentMethod = ExperimentServiceGrpc.getUpdateExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getUpdateExperimentMethod = ExperimentServiceGrpc.getUpdateExperimentMethod) == null) {
          ExperimentServiceGrpc.getUpdateExperimentMethod = getUpdateExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.UpdateExperimentRequest, asha.v1.UpdateExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.UpdateExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.UpdateExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("UpdateExperiment"))
              .build();
        }
      }
    }
    return getUpdateExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.DeleteExperimentRequest,
      asha.v1.DeleteExperimentResponse> getDeleteExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteExperiment",
      requestType = asha.v1.DeleteExperimentRequest.class,
      responseType = asha.v1.DeleteExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.DeleteExperimentRequest,
      asha.v1.DeleteExperimentResponse> getDeleteExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.DeleteExperimentRequest, asha.v1.DeleteExperimentResponse> getDeleteExperimentMethod;
    if ((getDeleteExperimentMethod = ExperimentServiceGrpc.getDeleteExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getDeleteExperimentMethod = ExperimentServiceGrpc.getDeleteExperimentMethod) == null) {
          ExperimentServiceGrpc.getDeleteExperimentMethod = getDeleteExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.DeleteExperimentRequest, asha.v1.DeleteExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.DeleteExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.DeleteExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("DeleteExperiment"))
              .build();
        }
      }
    }
    return getDeleteExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.PauseExperimentRequest,
      asha.v1.PauseExperimentResponse> getPauseExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PauseExperiment",
      requestType = asha.v1.PauseExperimentRequest.class,
      responseType = asha.v1.PauseExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.PauseExperimentRequest,
      asha.v1.PauseExperimentResponse> getPauseExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.PauseExperimentRequest, asha.v1.PauseExperimentResponse> getPauseExperimentMethod;
    if ((getPauseExperimentMethod = ExperimentServiceGrpc.getPauseExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getPauseExperimentMethod = ExperimentServiceGrpc.getPauseExperimentMethod) == null) {
          ExperimentServiceGrpc.getPauseExperimentMethod = getPauseExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.PauseExperimentRequest, asha.v1.PauseExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PauseExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.PauseExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.PauseExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("PauseExperiment"))
              .build();
        }
      }
    }
    return getPauseExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ResumeExperimentRequest,
      asha.v1.ResumeExperimentResponse> getResumeExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ResumeExperiment",
      requestType = asha.v1.ResumeExperimentRequest.class,
      responseType = asha.v1.ResumeExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ResumeExperimentRequest,
      asha.v1.ResumeExperimentResponse> getResumeExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.ResumeExperimentRequest, asha.v1.ResumeExperimentResponse> getResumeExperimentMethod;
    if ((getResumeExperimentMethod = ExperimentServiceGrpc.getResumeExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getResumeExperimentMethod = ExperimentServiceGrpc.getResumeExperimentMethod) == null) {
          ExperimentServiceGrpc.getResumeExperimentMethod = getResumeExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.ResumeExperimentRequest, asha.v1.ResumeExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ResumeExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ResumeExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ResumeExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ResumeExperiment"))
              .build();
        }
      }
    }
    return getResumeExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.StopExperimentRequest,
      asha.v1.StopExperimentResponse> getStopExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StopExperiment",
      requestType = asha.v1.StopExperimentRequest.class,
      responseType = asha.v1.StopExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.StopExperimentRequest,
      asha.v1.StopExperimentResponse> getStopExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.StopExperimentRequest, asha.v1.StopExperimentResponse> getStopExperimentMethod;
    if ((getStopExperimentMethod = ExperimentServiceGrpc.getStopExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getStopExperimentMethod = ExperimentServiceGrpc.getStopExperimentMethod) == null) {
          ExperimentServiceGrpc.getStopExperimentMethod = getStopExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.StopExperimentRequest, asha.v1.StopExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StopExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.StopExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.StopExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("StopExperiment"))
              .build();
        }
      }
    }
    return getStopExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.PreviewExperimentRequest,
      asha.v1.PreviewExperimentResponse> getPreviewExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "PreviewExperiment",
      requestType = asha.v1.PreviewExperimentRequest.class,
      responseType = asha.v1.PreviewExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.PreviewExperimentRequest,
      asha.v1.PreviewExperimentResponse> getPreviewExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.PreviewExperimentRequest, asha.v1.PreviewExperimentResponse> getPreviewExperimentMethod;
    if ((getPreviewExperimentMethod = ExperimentServiceGrpc.getPreviewExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getPreviewExperimentMethod = ExperimentServiceGrpc.getPreviewExperimentMethod) == null) {
          ExperimentServiceGrpc.getPreviewExperimentMethod = getPreviewExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.PreviewExperimentRequest, asha.v1.PreviewExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "PreviewExperiment"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.PreviewExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.PreviewExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("PreviewExperiment"))
              .build();
        }
      }
    }
    return getPreviewExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.GetTrialRequest,
      asha.v1.GetTrialResponse> getGetTrialMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetTrial",
      requestType = asha.v1.GetTrialRequest.class,
      responseType = asha.v1.GetTrialResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.GetTrialRequest,
      asha.v1.GetTrialResponse> getGetTrialMethod() {
    io.grpc.MethodDescriptor<asha.v1.GetTrialRequest, asha.v1.GetTrialResponse> getGetTrialMethod;
    if ((getGetTrialMethod = ExperimentServiceGrpc.getGetTrialMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getGetTrialMethod = ExperimentServiceGrpc.getGetTrialMethod) == null) {
          ExperimentServiceGrpc.getGetTrialMethod = getGetTrialMethod =
              io.grpc.MethodDescriptor.<asha.v1.GetTrialRequest, asha.v1.GetTrialResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetTrial"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetTrialRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetTrialResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("GetTrial"))
              .build();
        }
      }
    }
    return getGetTrialMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ListTrialsRequest,
      asha.v1.ListTrialsResponse> getListTrialsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTrials",
      requestType = asha.v1.ListTrialsRequest.class,
      responseType = asha.v1.ListTrialsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ListTrialsRequest,
      asha.v1.ListTrialsResponse> getListTrialsMethod() {
    io.grpc.MethodDescriptor<asha.v1.ListTrialsRequest, asha.v1.ListTrialsResponse> getListTrialsMethod;
    if ((getListTrialsMethod = ExperimentServiceGrpc.getListTrialsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getListTrialsMethod = ExperimentServiceGrpc.getListTrialsMethod) == null) {
          ExperimentServiceGrpc.getListTrialsMethod = getListTrialsMethod =
              io.grpc.MethodDescriptor.<asha.v1.ListTrialsRequest, asha.v1.ListTrialsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTrials"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListTrialsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListTrialsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ListTrials"))
              .build();
        }
      }
    }
    return getListTrialsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.CancelTrialRequest,
      asha.v1.CancelTrialResponse> getCancelTrialMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CancelTrial",
      requestType = asha.v1.CancelTrialRequest.class,
      responseType = asha.v1.CancelTrialResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.CancelTrialRequest,
      asha.v1.CancelTrialResponse> getCancelTrialMethod() {
    io.grpc.MethodDescriptor<asha.v1.CancelTrialRequest, asha.v1.CancelTrialResponse> getCancelTrialMethod;
    if ((getCancelTrialMethod = ExperimentServiceGrpc.getCancelTrialMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getCancelTrialMethod = ExperimentServiceGrpc.getCancelTrialMethod) == null) {
          ExperimentServiceGrpc.getCancelTrialMethod = getCancelTrialMethod =
              io.grpc.MethodDescriptor.<asha.v1.CancelTrialRequest, asha.v1.CancelTrialResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CancelTrial"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CancelTrialRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CancelTrialResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("CancelTrial"))
              .build();
        }
      }
    }
    return getCancelTrialMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.CreateTrialRequest,
      asha.v1.CreateTrialResponse> getCreateTrialMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateTrial",
      requestType = asha.v1.CreateTrialRequest.class,
      responseType = asha.v1.CreateTrialResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.CreateTrialRequest,
      asha.v1.CreateTrialResponse> getCreateTrialMethod() {
    io.grpc.MethodDescriptor<asha.v1.CreateTrialRequest, asha.v1.CreateTrialResponse> getCreateTrialMethod;
    if ((getCreateTrialMethod = ExperimentServiceGrpc.getCreateTrialMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getCreateTrialMethod = ExperimentServiceGrpc.getCreateTrialMethod) == null) {
          ExperimentServiceGrpc.getCreateTrialMethod = getCreateTrialMethod =
              io.grpc.MethodDescriptor.<asha.v1.CreateTrialRequest, asha.v1.CreateTrialResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateTrial"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CreateTrialRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.CreateTrialResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("CreateTrial"))
              .build();
        }
      }
    }
    return getCreateTrialMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ListObservationsRequest,
      asha.v1.ListObservationsResponse> getListObservationsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListObservations",
      requestType = asha.v1.ListObservationsRequest.class,
      responseType = asha.v1.ListObservationsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ListObservationsRequest,
      asha.v1.ListObservationsResponse> getListObservationsMethod() {
    io.grpc.MethodDescriptor<asha.v1.ListObservationsRequest, asha.v1.ListObservationsResponse> getListObservationsMethod;
    if ((getListObservationsMethod = ExperimentServiceGrpc.getListObservationsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getListObservationsMethod = ExperimentServiceGrpc.getListObservationsMethod) == null) {
          ExperimentServiceGrpc.getListObservationsMethod = getListObservationsMethod =
              io.grpc.MethodDescriptor.<asha.v1.ListObservationsRequest, asha.v1.ListObservationsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListObservations"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListObservationsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListObservationsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ListObservations"))
              .build();
        }
      }
    }
    return getListObservationsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ListRungsRequest,
      asha.v1.ListRungsResponse> getListRungsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRungs",
      requestType = asha.v1.ListRungsRequest.class,
      responseType = asha.v1.ListRungsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ListRungsRequest,
      asha.v1.ListRungsResponse> getListRungsMethod() {
    io.grpc.MethodDescriptor<asha.v1.ListRungsRequest, asha.v1.ListRungsResponse> getListRungsMethod;
    if ((getListRungsMethod = ExperimentServiceGrpc.getListRungsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getListRungsMethod = ExperimentServiceGrpc.getListRungsMethod) == null) {
          ExperimentServiceGrpc.getListRungsMethod = getListRungsMethod =
              io.grpc.MethodDescriptor.<asha.v1.ListRungsRequest, asha.v1.ListRungsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRungs"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListRungsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListRungsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ListRungs"))
              .build();
        }
      }
    }
    return getListRungsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ListDecisionsRequest,
      asha.v1.ListDecisionsResponse> getListDecisionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListDecisions",
      requestType = asha.v1.ListDecisionsRequest.class,
      responseType = asha.v1.ListDecisionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ListDecisionsRequest,
      asha.v1.ListDecisionsResponse> getListDecisionsMethod() {
    io.grpc.MethodDescriptor<asha.v1.ListDecisionsRequest, asha.v1.ListDecisionsResponse> getListDecisionsMethod;
    if ((getListDecisionsMethod = ExperimentServiceGrpc.getListDecisionsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getListDecisionsMethod = ExperimentServiceGrpc.getListDecisionsMethod) == null) {
          ExperimentServiceGrpc.getListDecisionsMethod = getListDecisionsMethod =
              io.grpc.MethodDescriptor.<asha.v1.ListDecisionsRequest, asha.v1.ListDecisionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListDecisions"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListDecisionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListDecisionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ListDecisions"))
              .build();
        }
      }
    }
    return getListDecisionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.GetBestTrialsRequest,
      asha.v1.GetBestTrialsResponse> getGetBestTrialsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetBestTrials",
      requestType = asha.v1.GetBestTrialsRequest.class,
      responseType = asha.v1.GetBestTrialsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.GetBestTrialsRequest,
      asha.v1.GetBestTrialsResponse> getGetBestTrialsMethod() {
    io.grpc.MethodDescriptor<asha.v1.GetBestTrialsRequest, asha.v1.GetBestTrialsResponse> getGetBestTrialsMethod;
    if ((getGetBestTrialsMethod = ExperimentServiceGrpc.getGetBestTrialsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getGetBestTrialsMethod = ExperimentServiceGrpc.getGetBestTrialsMethod) == null) {
          ExperimentServiceGrpc.getGetBestTrialsMethod = getGetBestTrialsMethod =
              io.grpc.MethodDescriptor.<asha.v1.GetBestTrialsRequest, asha.v1.GetBestTrialsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetBestTrials"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetBestTrialsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.GetBestTrialsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("GetBestTrials"))
              .build();
        }
      }
    }
    return getGetBestTrialsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ListCheckpointsRequest,
      asha.v1.ListCheckpointsResponse> getListCheckpointsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListCheckpoints",
      requestType = asha.v1.ListCheckpointsRequest.class,
      responseType = asha.v1.ListCheckpointsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<asha.v1.ListCheckpointsRequest,
      asha.v1.ListCheckpointsResponse> getListCheckpointsMethod() {
    io.grpc.MethodDescriptor<asha.v1.ListCheckpointsRequest, asha.v1.ListCheckpointsResponse> getListCheckpointsMethod;
    if ((getListCheckpointsMethod = ExperimentServiceGrpc.getListCheckpointsMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getListCheckpointsMethod = ExperimentServiceGrpc.getListCheckpointsMethod) == null) {
          ExperimentServiceGrpc.getListCheckpointsMethod = getListCheckpointsMethod =
              io.grpc.MethodDescriptor.<asha.v1.ListCheckpointsRequest, asha.v1.ListCheckpointsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListCheckpoints"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListCheckpointsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ListCheckpointsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ListCheckpoints"))
              .build();
        }
      }
    }
    return getListCheckpointsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.WatchExperimentRequest,
      asha.v1.WatchExperimentResponse> getWatchExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WatchExperiment",
      requestType = asha.v1.WatchExperimentRequest.class,
      responseType = asha.v1.WatchExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<asha.v1.WatchExperimentRequest,
      asha.v1.WatchExperimentResponse> getWatchExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.WatchExperimentRequest, asha.v1.WatchExperimentResponse> getWatchExperimentMethod;
    if ((getWatchExperimentMethod = ExperimentServiceGrpc.getWatchExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getWatchExperimentMethod = ExperimentServiceGrpc.getWatchExperimentMethod) == null) {
          ExperimentServiceGrpc.getWatchExperimentMethod = getWatchExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.WatchExperimentRequest, asha.v1.WatchExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WatchExperiment"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.WatchExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.WatchExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("WatchExperiment"))
              .build();
        }
      }
    }
    return getWatchExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ExportExperimentRequest,
      asha.v1.ExportExperimentResponse> getExportExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExportExperiment",
      requestType = asha.v1.ExportExperimentRequest.class,
      responseType = asha.v1.ExportExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
  public static io.grpc.MethodDescriptor<asha.v1.ExportExperimentRequest,
      asha.v1.ExportExperimentResponse> getExportExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.ExportExperimentRequest, asha.v1.ExportExperimentResponse> getExportExperimentMethod;
    if ((getExportExperimentMethod = ExperimentServiceGrpc.getExportExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getExportExperimentMethod = ExperimentServiceGrpc.getExportExperimentMethod) == null) {
          ExperimentServiceGrpc.getExportExperimentMethod = getExportExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.ExportExperimentRequest, asha.v1.ExportExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExportExperiment"))
              .setSafe(true)
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ExportExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ExportExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ExportExperiment"))
              .build();
        }
      }
    }
    return getExportExperimentMethod;
  }

  private static volatile io.grpc.MethodDescriptor<asha.v1.ImportExperimentRequest,
      asha.v1.ImportExperimentResponse> getImportExperimentMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ImportExperiment",
      requestType = asha.v1.ImportExperimentRequest.class,
      responseType = asha.v1.ImportExperimentResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
  public static io.grpc.MethodDescriptor<asha.v1.ImportExperimentRequest,
      asha.v1.ImportExperimentResponse> getImportExperimentMethod() {
    io.grpc.MethodDescriptor<asha.v1.ImportExperimentRequest, asha.v1.ImportExperimentResponse> getImportExperimentMethod;
    if ((getImportExperimentMethod = ExperimentServiceGrpc.getImportExperimentMethod) == null) {
      synchronized (ExperimentServiceGrpc.class) {
        if ((getImportExperimentMethod = ExperimentServiceGrpc.getImportExperimentMethod) == null) {
          ExperimentServiceGrpc.getImportExperimentMethod = getImportExperimentMethod =
              io.grpc.MethodDescriptor.<asha.v1.ImportExperimentRequest, asha.v1.ImportExperimentResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ImportExperiment"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ImportExperimentRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  asha.v1.ImportExperimentResponse.getDefaultInstance()))
              .setSchemaDescriptor(new ExperimentServiceMethodDescriptorSupplier("ImportExperiment"))
              .build();
        }
      }
    }
    return getImportExperimentMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static ExperimentServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceStub>() {
        @java.lang.Override
        public ExperimentServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ExperimentServiceStub(channel, callOptions);
        }
      };
    return ExperimentServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static ExperimentServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceBlockingV2Stub>() {
        @java.lang.Override
        public ExperimentServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ExperimentServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return ExperimentServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static ExperimentServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceBlockingStub>() {
        @java.lang.Override
        public ExperimentServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ExperimentServiceBlockingStub(channel, callOptions);
        }
      };
    return ExperimentServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static ExperimentServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<ExperimentServiceFutureStub>() {
        @java.lang.Override
        public ExperimentServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new ExperimentServiceFutureStub(channel, callOptions);
        }
      };
    return ExperimentServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Called by people, controllers, the CLI and the web page.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
   * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
   * INVALID_REQUEST.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates an experiment, which runs at once. Idempotent by request_id. ALREADY_EXISTS / EXPERIMENT_EXISTS,
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    default void createExperiment(asha.v1.CreateExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CreateExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * One experiment and what became of it.
     * </pre>
     */
    default void getExperiment(asha.v1.GetExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Experiments, latest first.
     * </pre>
     */
    default void listExperiments(asha.v1.ListExperimentsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListExperimentsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListExperimentsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes what may be changed of a spec. ABORTED / ETAG_MISMATCH, FAILED_PRECONDITION / IMMUTABLE_FIELD.
     * </pre>
     */
    default void updateExperiment(asha.v1.UpdateExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.UpdateExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes an experiment and all its history; its workers then get EXPERIMENT_NOT_FOUND. FAILED_PRECONDITION /
     * EXPERIMENT_RUNNING without force.
     * </pre>
     */
    default void deleteExperiment(asha.v1.DeleteExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.DeleteExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Pauses an experiment: its active trials are answered PAUSE and queued, uncounted; no work is handed out. No-op if
     * it is paused. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    default void pauseExperiment(asha.v1.PauseExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.PauseExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPauseExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Undoes a pause. No-op if it is running. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    default void resumeExperiment(asha.v1.ResumeExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ResumeExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getResumeExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends an experiment for good: every trial that has not ended becomes STOPPED. No-op if a person stopped it already;
     * otherwise FAILED_PRECONDITION / EXPERIMENT_ENDED after the end.
     * </pre>
     */
    default void stopExperiment(asha.v1.StopExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.StopExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getStopExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * What a spec would do: brackets, rungs, trials per length, total units; asked for, also what it will cost when it
     * runs, from a simulation. Writes nothing. UNIMPLEMENTED / NOT_IMPLEMENTED; with a forecast also RESOURCE_EXHAUSTED
     * / OVERLOADED.
     * </pre>
     */
    default void previewExperiment(asha.v1.PreviewExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.PreviewExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getPreviewExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * One trial and its attempts. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void getTrial(asha.v1.GetTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetTrialResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetTrialMethod(), responseObserver);
    }

    /**
     * <pre>
     * Trials, by number.
     * </pre>
     */
    default void listTrials(asha.v1.ListTrialsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListTrialsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTrialsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Ends one trial as CANCELLED; in the rungs it is treated like FAILED. No-op if it is cancelled. FAILED_PRECONDITION
     * / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void cancelTrial(asha.v1.CancelTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CancelTrialResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCancelTrialMethod(), responseObserver);
    }

    /**
     * <pre>
     * Gives a configuration to be tried before sampled ones (warm start), or, with observations, a finished trial.
     * Idempotent by request_id. FAILED_PRECONDITION / EXPERIMENT_ENDED, REQUEST_ID_REUSED, RESOURCE_EXHAUSTED /
     * LIMIT_EXCEEDED (max_trials are created already).
     * </pre>
     */
    default void createTrial(asha.v1.CreateTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CreateTrialResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateTrialMethod(), responseObserver);
    }

    /**
     * <pre>
     * Recorded reports, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void listObservations(asha.v1.ListObservationsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListObservationsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListObservationsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Entries of the rungs, by bracket, rung and rank.
     * </pre>
     */
    default void listRungs(asha.v1.ListRungsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListRungsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRungsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decisions as they were made, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    default void listDecisions(asha.v1.ListDecisionsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListDecisionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListDecisionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * The best trials: longest rung length reached with a finite value first, then value, then arrival;
     * INFEASIBLE excluded.
     * </pre>
     */
    default void getBestTrials(asha.v1.GetBestTrialsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetBestTrialsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetBestTrialsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Reported checkpoints, by trial, then in their order: the authority on which may be deleted. NOT_FOUND /
     * TRIAL_NOT_FOUND.
     * </pre>
     */
    default void listCheckpoints(asha.v1.ListCheckpointsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListCheckpointsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListCheckpointsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Committed events in order, without gaps; goes on until the event that ends the experiment, then ends OK.
     * OUT_OF_RANGE / WATCH_LAGGED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open watches), NOT_FOUND / EXPERIMENT_NOT_FOUND
     * once it is deleted.
     * </pre>
     */
    default void watchExperiment(asha.v1.WatchExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.WatchExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWatchExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * The experiment with its history as a JSON-lines file, in chunks.
     * </pre>
     */
    default void exportExperiment(asha.v1.ExportExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ExportExperimentResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExportExperimentMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes an experiment of an exported file; a running search arrives PAUSED, without leases. ALREADY_EXISTS /
     * EXPERIMENT_EXISTS, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<asha.v1.ImportExperimentRequest> importExperiment(
        io.grpc.stub.StreamObserver<asha.v1.ImportExperimentResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getImportExperimentMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service ExperimentService.
   * <pre>
   * Called by people, controllers, the CLI and the web page.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
   * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
   * INVALID_REQUEST.
   * </pre>
   */
  public static abstract class ExperimentServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return ExperimentServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service ExperimentService.
   * <pre>
   * Called by people, controllers, the CLI and the web page.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
   * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
   * INVALID_REQUEST.
   * </pre>
   */
  public static final class ExperimentServiceStub
      extends io.grpc.stub.AbstractAsyncStub<ExperimentServiceStub> {
    private ExperimentServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ExperimentServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ExperimentServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates an experiment, which runs at once. Idempotent by request_id. ALREADY_EXISTS / EXPERIMENT_EXISTS,
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    public void createExperiment(asha.v1.CreateExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CreateExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * One experiment and what became of it.
     * </pre>
     */
    public void getExperiment(asha.v1.GetExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Experiments, latest first.
     * </pre>
     */
    public void listExperiments(asha.v1.ListExperimentsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListExperimentsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListExperimentsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes what may be changed of a spec. ABORTED / ETAG_MISMATCH, FAILED_PRECONDITION / IMMUTABLE_FIELD.
     * </pre>
     */
    public void updateExperiment(asha.v1.UpdateExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.UpdateExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes an experiment and all its history; its workers then get EXPERIMENT_NOT_FOUND. FAILED_PRECONDITION /
     * EXPERIMENT_RUNNING without force.
     * </pre>
     */
    public void deleteExperiment(asha.v1.DeleteExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.DeleteExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Pauses an experiment: its active trials are answered PAUSE and queued, uncounted; no work is handed out. No-op if
     * it is paused. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public void pauseExperiment(asha.v1.PauseExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.PauseExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPauseExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Undoes a pause. No-op if it is running. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public void resumeExperiment(asha.v1.ResumeExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ResumeExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getResumeExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends an experiment for good: every trial that has not ended becomes STOPPED. No-op if a person stopped it already;
     * otherwise FAILED_PRECONDITION / EXPERIMENT_ENDED after the end.
     * </pre>
     */
    public void stopExperiment(asha.v1.StopExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.StopExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getStopExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * What a spec would do: brackets, rungs, trials per length, total units; asked for, also what it will cost when it
     * runs, from a simulation. Writes nothing. UNIMPLEMENTED / NOT_IMPLEMENTED; with a forecast also RESOURCE_EXHAUSTED
     * / OVERLOADED.
     * </pre>
     */
    public void previewExperiment(asha.v1.PreviewExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.PreviewExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getPreviewExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * One trial and its attempts. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void getTrial(asha.v1.GetTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetTrialResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetTrialMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Trials, by number.
     * </pre>
     */
    public void listTrials(asha.v1.ListTrialsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListTrialsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTrialsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Ends one trial as CANCELLED; in the rungs it is treated like FAILED. No-op if it is cancelled. FAILED_PRECONDITION
     * / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void cancelTrial(asha.v1.CancelTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CancelTrialResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCancelTrialMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Gives a configuration to be tried before sampled ones (warm start), or, with observations, a finished trial.
     * Idempotent by request_id. FAILED_PRECONDITION / EXPERIMENT_ENDED, REQUEST_ID_REUSED, RESOURCE_EXHAUSTED /
     * LIMIT_EXCEEDED (max_trials are created already).
     * </pre>
     */
    public void createTrial(asha.v1.CreateTrialRequest request,
        io.grpc.stub.StreamObserver<asha.v1.CreateTrialResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateTrialMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Recorded reports, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void listObservations(asha.v1.ListObservationsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListObservationsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListObservationsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Entries of the rungs, by bracket, rung and rank.
     * </pre>
     */
    public void listRungs(asha.v1.ListRungsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListRungsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRungsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decisions as they were made, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public void listDecisions(asha.v1.ListDecisionsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListDecisionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListDecisionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The best trials: longest rung length reached with a finite value first, then value, then arrival;
     * INFEASIBLE excluded.
     * </pre>
     */
    public void getBestTrials(asha.v1.GetBestTrialsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.GetBestTrialsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetBestTrialsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Reported checkpoints, by trial, then in their order: the authority on which may be deleted. NOT_FOUND /
     * TRIAL_NOT_FOUND.
     * </pre>
     */
    public void listCheckpoints(asha.v1.ListCheckpointsRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ListCheckpointsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListCheckpointsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Committed events in order, without gaps; goes on until the event that ends the experiment, then ends OK.
     * OUT_OF_RANGE / WATCH_LAGGED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open watches), NOT_FOUND / EXPERIMENT_NOT_FOUND
     * once it is deleted.
     * </pre>
     */
    public void watchExperiment(asha.v1.WatchExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.WatchExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getWatchExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * The experiment with its history as a JSON-lines file, in chunks.
     * </pre>
     */
    public void exportExperiment(asha.v1.ExportExperimentRequest request,
        io.grpc.stub.StreamObserver<asha.v1.ExportExperimentResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncServerStreamingCall(
          getChannel().newCall(getExportExperimentMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes an experiment of an exported file; a running search arrives PAUSED, without leases. ALREADY_EXISTS /
     * EXPERIMENT_EXISTS, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<asha.v1.ImportExperimentRequest> importExperiment(
        io.grpc.stub.StreamObserver<asha.v1.ImportExperimentResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncClientStreamingCall(
          getChannel().newCall(getImportExperimentMethod(), getCallOptions()), responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service ExperimentService.
   * <pre>
   * Called by people, controllers, the CLI and the web page.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
   * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
   * INVALID_REQUEST.
   * </pre>
   */
  public static final class ExperimentServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<ExperimentServiceBlockingV2Stub> {
    private ExperimentServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ExperimentServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ExperimentServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates an experiment, which runs at once. Idempotent by request_id. ALREADY_EXISTS / EXPERIMENT_EXISTS,
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    public asha.v1.CreateExperimentResponse createExperiment(asha.v1.CreateExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * One experiment and what became of it.
     * </pre>
     */
    public asha.v1.GetExperimentResponse getExperiment(asha.v1.GetExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Experiments, latest first.
     * </pre>
     */
    public asha.v1.ListExperimentsResponse listExperiments(asha.v1.ListExperimentsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListExperimentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes what may be changed of a spec. ABORTED / ETAG_MISMATCH, FAILED_PRECONDITION / IMMUTABLE_FIELD.
     * </pre>
     */
    public asha.v1.UpdateExperimentResponse updateExperiment(asha.v1.UpdateExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an experiment and all its history; its workers then get EXPERIMENT_NOT_FOUND. FAILED_PRECONDITION /
     * EXPERIMENT_RUNNING without force.
     * </pre>
     */
    public asha.v1.DeleteExperimentResponse deleteExperiment(asha.v1.DeleteExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Pauses an experiment: its active trials are answered PAUSE and queued, uncounted; no work is handed out. No-op if
     * it is paused. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public asha.v1.PauseExperimentResponse pauseExperiment(asha.v1.PauseExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPauseExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Undoes a pause. No-op if it is running. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public asha.v1.ResumeExperimentResponse resumeExperiment(asha.v1.ResumeExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getResumeExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends an experiment for good: every trial that has not ended becomes STOPPED. No-op if a person stopped it already;
     * otherwise FAILED_PRECONDITION / EXPERIMENT_ENDED after the end.
     * </pre>
     */
    public asha.v1.StopExperimentResponse stopExperiment(asha.v1.StopExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getStopExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * What a spec would do: brackets, rungs, trials per length, total units; asked for, also what it will cost when it
     * runs, from a simulation. Writes nothing. UNIMPLEMENTED / NOT_IMPLEMENTED; with a forecast also RESOURCE_EXHAUSTED
     * / OVERLOADED.
     * </pre>
     */
    public asha.v1.PreviewExperimentResponse previewExperiment(asha.v1.PreviewExperimentRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getPreviewExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * One trial and its attempts. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.GetTrialResponse getTrial(asha.v1.GetTrialRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Trials, by number.
     * </pre>
     */
    public asha.v1.ListTrialsResponse listTrials(asha.v1.ListTrialsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTrialsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends one trial as CANCELLED; in the rungs it is treated like FAILED. No-op if it is cancelled. FAILED_PRECONDITION
     * / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.CancelTrialResponse cancelTrial(asha.v1.CancelTrialRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCancelTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a configuration to be tried before sampled ones (warm start), or, with observations, a finished trial.
     * Idempotent by request_id. FAILED_PRECONDITION / EXPERIMENT_ENDED, REQUEST_ID_REUSED, RESOURCE_EXHAUSTED /
     * LIMIT_EXCEEDED (max_trials are created already).
     * </pre>
     */
    public asha.v1.CreateTrialResponse createTrial(asha.v1.CreateTrialRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Recorded reports, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ListObservationsResponse listObservations(asha.v1.ListObservationsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListObservationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Entries of the rungs, by bracket, rung and rank.
     * </pre>
     */
    public asha.v1.ListRungsResponse listRungs(asha.v1.ListRungsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRungsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decisions as they were made, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ListDecisionsResponse listDecisions(asha.v1.ListDecisionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListDecisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The best trials: longest rung length reached with a finite value first, then value, then arrival;
     * INFEASIBLE excluded.
     * </pre>
     */
    public asha.v1.GetBestTrialsResponse getBestTrials(asha.v1.GetBestTrialsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetBestTrialsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reported checkpoints, by trial, then in their order: the authority on which may be deleted. NOT_FOUND /
     * TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ListCheckpointsResponse listCheckpoints(asha.v1.ListCheckpointsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListCheckpointsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Committed events in order, without gaps; goes on until the event that ends the experiment, then ends OK.
     * OUT_OF_RANGE / WATCH_LAGGED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open watches), NOT_FOUND / EXPERIMENT_NOT_FOUND
     * once it is deleted.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, asha.v1.WatchExperimentResponse>
        watchExperiment(asha.v1.WatchExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getWatchExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The experiment with its history as a JSON-lines file, in chunks.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<?, asha.v1.ExportExperimentResponse>
        exportExperiment(asha.v1.ExportExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingV2ServerStreamingCall(
          getChannel(), getExportExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes an experiment of an exported file; a running search arrives PAUSED, without leases. ALREADY_EXISTS /
     * EXPERIMENT_EXISTS, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<asha.v1.ImportExperimentRequest, asha.v1.ImportExperimentResponse>
        importExperiment() {
      return io.grpc.stub.ClientCalls.blockingClientStreamingCall(
          getChannel(), getImportExperimentMethod(), getCallOptions());
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service ExperimentService.
   * <pre>
   * Called by people, controllers, the CLI and the web page.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
   * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
   * INVALID_REQUEST.
   * </pre>
   */
  public static final class ExperimentServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<ExperimentServiceBlockingStub> {
    private ExperimentServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ExperimentServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ExperimentServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates an experiment, which runs at once. Idempotent by request_id. ALREADY_EXISTS / EXPERIMENT_EXISTS,
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    public asha.v1.CreateExperimentResponse createExperiment(asha.v1.CreateExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * One experiment and what became of it.
     * </pre>
     */
    public asha.v1.GetExperimentResponse getExperiment(asha.v1.GetExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Experiments, latest first.
     * </pre>
     */
    public asha.v1.ListExperimentsResponse listExperiments(asha.v1.ListExperimentsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListExperimentsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes what may be changed of a spec. ABORTED / ETAG_MISMATCH, FAILED_PRECONDITION / IMMUTABLE_FIELD.
     * </pre>
     */
    public asha.v1.UpdateExperimentResponse updateExperiment(asha.v1.UpdateExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes an experiment and all its history; its workers then get EXPERIMENT_NOT_FOUND. FAILED_PRECONDITION /
     * EXPERIMENT_RUNNING without force.
     * </pre>
     */
    public asha.v1.DeleteExperimentResponse deleteExperiment(asha.v1.DeleteExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Pauses an experiment: its active trials are answered PAUSE and queued, uncounted; no work is handed out. No-op if
     * it is paused. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public asha.v1.PauseExperimentResponse pauseExperiment(asha.v1.PauseExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPauseExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Undoes a pause. No-op if it is running. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public asha.v1.ResumeExperimentResponse resumeExperiment(asha.v1.ResumeExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getResumeExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends an experiment for good: every trial that has not ended becomes STOPPED. No-op if a person stopped it already;
     * otherwise FAILED_PRECONDITION / EXPERIMENT_ENDED after the end.
     * </pre>
     */
    public asha.v1.StopExperimentResponse stopExperiment(asha.v1.StopExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getStopExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * What a spec would do: brackets, rungs, trials per length, total units; asked for, also what it will cost when it
     * runs, from a simulation. Writes nothing. UNIMPLEMENTED / NOT_IMPLEMENTED; with a forecast also RESOURCE_EXHAUSTED
     * / OVERLOADED.
     * </pre>
     */
    public asha.v1.PreviewExperimentResponse previewExperiment(asha.v1.PreviewExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getPreviewExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * One trial and its attempts. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.GetTrialResponse getTrial(asha.v1.GetTrialRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Trials, by number.
     * </pre>
     */
    public asha.v1.ListTrialsResponse listTrials(asha.v1.ListTrialsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTrialsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Ends one trial as CANCELLED; in the rungs it is treated like FAILED. No-op if it is cancelled. FAILED_PRECONDITION
     * / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.CancelTrialResponse cancelTrial(asha.v1.CancelTrialRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCancelTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Gives a configuration to be tried before sampled ones (warm start), or, with observations, a finished trial.
     * Idempotent by request_id. FAILED_PRECONDITION / EXPERIMENT_ENDED, REQUEST_ID_REUSED, RESOURCE_EXHAUSTED /
     * LIMIT_EXCEEDED (max_trials are created already).
     * </pre>
     */
    public asha.v1.CreateTrialResponse createTrial(asha.v1.CreateTrialRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateTrialMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Recorded reports, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ListObservationsResponse listObservations(asha.v1.ListObservationsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListObservationsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Entries of the rungs, by bracket, rung and rank.
     * </pre>
     */
    public asha.v1.ListRungsResponse listRungs(asha.v1.ListRungsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRungsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decisions as they were made, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ListDecisionsResponse listDecisions(asha.v1.ListDecisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListDecisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The best trials: longest rung length reached with a finite value first, then value, then arrival;
     * INFEASIBLE excluded.
     * </pre>
     */
    public asha.v1.GetBestTrialsResponse getBestTrials(asha.v1.GetBestTrialsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetBestTrialsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Reported checkpoints, by trial, then in their order: the authority on which may be deleted. NOT_FOUND /
     * TRIAL_NOT_FOUND.
     * </pre>
     */
    public asha.v1.ListCheckpointsResponse listCheckpoints(asha.v1.ListCheckpointsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListCheckpointsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Committed events in order, without gaps; goes on until the event that ends the experiment, then ends OK.
     * OUT_OF_RANGE / WATCH_LAGGED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED (open watches), NOT_FOUND / EXPERIMENT_NOT_FOUND
     * once it is deleted.
     * </pre>
     */
    public java.util.Iterator<asha.v1.WatchExperimentResponse> watchExperiment(
        asha.v1.WatchExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getWatchExperimentMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * The experiment with its history as a JSON-lines file, in chunks.
     * </pre>
     */
    public java.util.Iterator<asha.v1.ExportExperimentResponse> exportExperiment(
        asha.v1.ExportExperimentRequest request) {
      return io.grpc.stub.ClientCalls.blockingServerStreamingCall(
          getChannel(), getExportExperimentMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service ExperimentService.
   * <pre>
   * Called by people, controllers, the CLI and the web page.
   * Every call may be refused with UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED / OVERLOADED, UNAVAILABLE and
   * INTERNAL; every call about an experiment with NOT_FOUND / EXPERIMENT_NOT_FOUND; every call with INVALID_ARGUMENT /
   * INVALID_REQUEST.
   * </pre>
   */
  public static final class ExperimentServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<ExperimentServiceFutureStub> {
    private ExperimentServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected ExperimentServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new ExperimentServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates an experiment, which runs at once. Idempotent by request_id. ALREADY_EXISTS / EXPERIMENT_EXISTS,
     * FAILED_PRECONDITION / REQUEST_ID_REUSED, RESOURCE_EXHAUSTED / LIMIT_EXCEEDED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.CreateExperimentResponse> createExperiment(
        asha.v1.CreateExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * One experiment and what became of it.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.GetExperimentResponse> getExperiment(
        asha.v1.GetExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Experiments, latest first.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ListExperimentsResponse> listExperiments(
        asha.v1.ListExperimentsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListExperimentsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes what may be changed of a spec. ABORTED / ETAG_MISMATCH, FAILED_PRECONDITION / IMMUTABLE_FIELD.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.UpdateExperimentResponse> updateExperiment(
        asha.v1.UpdateExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes an experiment and all its history; its workers then get EXPERIMENT_NOT_FOUND. FAILED_PRECONDITION /
     * EXPERIMENT_RUNNING without force.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.DeleteExperimentResponse> deleteExperiment(
        asha.v1.DeleteExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Pauses an experiment: its active trials are answered PAUSE and queued, uncounted; no work is handed out. No-op if
     * it is paused. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.PauseExperimentResponse> pauseExperiment(
        asha.v1.PauseExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPauseExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Undoes a pause. No-op if it is running. FAILED_PRECONDITION / EXPERIMENT_ENDED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ResumeExperimentResponse> resumeExperiment(
        asha.v1.ResumeExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getResumeExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends an experiment for good: every trial that has not ended becomes STOPPED. No-op if a person stopped it already;
     * otherwise FAILED_PRECONDITION / EXPERIMENT_ENDED after the end.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.StopExperimentResponse> stopExperiment(
        asha.v1.StopExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getStopExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * What a spec would do: brackets, rungs, trials per length, total units; asked for, also what it will cost when it
     * runs, from a simulation. Writes nothing. UNIMPLEMENTED / NOT_IMPLEMENTED; with a forecast also RESOURCE_EXHAUSTED
     * / OVERLOADED.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.PreviewExperimentResponse> previewExperiment(
        asha.v1.PreviewExperimentRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getPreviewExperimentMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * One trial and its attempts. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.GetTrialResponse> getTrial(
        asha.v1.GetTrialRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetTrialMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Trials, by number.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ListTrialsResponse> listTrials(
        asha.v1.ListTrialsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTrialsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Ends one trial as CANCELLED; in the rungs it is treated like FAILED. No-op if it is cancelled. FAILED_PRECONDITION
     * / TRIAL_ENDED, NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.CancelTrialResponse> cancelTrial(
        asha.v1.CancelTrialRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCancelTrialMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Gives a configuration to be tried before sampled ones (warm start), or, with observations, a finished trial.
     * Idempotent by request_id. FAILED_PRECONDITION / EXPERIMENT_ENDED, REQUEST_ID_REUSED, RESOURCE_EXHAUSTED /
     * LIMIT_EXCEEDED (max_trials are created already).
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.CreateTrialResponse> createTrial(
        asha.v1.CreateTrialRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateTrialMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Recorded reports, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ListObservationsResponse> listObservations(
        asha.v1.ListObservationsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListObservationsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Entries of the rungs, by bracket, rung and rank.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ListRungsResponse> listRungs(
        asha.v1.ListRungsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRungsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decisions as they were made, in their order. NOT_FOUND / TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ListDecisionsResponse> listDecisions(
        asha.v1.ListDecisionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListDecisionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * The best trials: longest rung length reached with a finite value first, then value, then arrival;
     * INFEASIBLE excluded.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.GetBestTrialsResponse> getBestTrials(
        asha.v1.GetBestTrialsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetBestTrialsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Reported checkpoints, by trial, then in their order: the authority on which may be deleted. NOT_FOUND /
     * TRIAL_NOT_FOUND.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<asha.v1.ListCheckpointsResponse> listCheckpoints(
        asha.v1.ListCheckpointsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListCheckpointsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_EXPERIMENT = 0;
  private static final int METHODID_GET_EXPERIMENT = 1;
  private static final int METHODID_LIST_EXPERIMENTS = 2;
  private static final int METHODID_UPDATE_EXPERIMENT = 3;
  private static final int METHODID_DELETE_EXPERIMENT = 4;
  private static final int METHODID_PAUSE_EXPERIMENT = 5;
  private static final int METHODID_RESUME_EXPERIMENT = 6;
  private static final int METHODID_STOP_EXPERIMENT = 7;
  private static final int METHODID_PREVIEW_EXPERIMENT = 8;
  private static final int METHODID_GET_TRIAL = 9;
  private static final int METHODID_LIST_TRIALS = 10;
  private static final int METHODID_CANCEL_TRIAL = 11;
  private static final int METHODID_CREATE_TRIAL = 12;
  private static final int METHODID_LIST_OBSERVATIONS = 13;
  private static final int METHODID_LIST_RUNGS = 14;
  private static final int METHODID_LIST_DECISIONS = 15;
  private static final int METHODID_GET_BEST_TRIALS = 16;
  private static final int METHODID_LIST_CHECKPOINTS = 17;
  private static final int METHODID_WATCH_EXPERIMENT = 18;
  private static final int METHODID_EXPORT_EXPERIMENT = 19;
  private static final int METHODID_IMPORT_EXPERIMENT = 20;

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
        case METHODID_CREATE_EXPERIMENT:
          serviceImpl.createExperiment((asha.v1.CreateExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.CreateExperimentResponse>) responseObserver);
          break;
        case METHODID_GET_EXPERIMENT:
          serviceImpl.getExperiment((asha.v1.GetExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.GetExperimentResponse>) responseObserver);
          break;
        case METHODID_LIST_EXPERIMENTS:
          serviceImpl.listExperiments((asha.v1.ListExperimentsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ListExperimentsResponse>) responseObserver);
          break;
        case METHODID_UPDATE_EXPERIMENT:
          serviceImpl.updateExperiment((asha.v1.UpdateExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.UpdateExperimentResponse>) responseObserver);
          break;
        case METHODID_DELETE_EXPERIMENT:
          serviceImpl.deleteExperiment((asha.v1.DeleteExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.DeleteExperimentResponse>) responseObserver);
          break;
        case METHODID_PAUSE_EXPERIMENT:
          serviceImpl.pauseExperiment((asha.v1.PauseExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.PauseExperimentResponse>) responseObserver);
          break;
        case METHODID_RESUME_EXPERIMENT:
          serviceImpl.resumeExperiment((asha.v1.ResumeExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ResumeExperimentResponse>) responseObserver);
          break;
        case METHODID_STOP_EXPERIMENT:
          serviceImpl.stopExperiment((asha.v1.StopExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.StopExperimentResponse>) responseObserver);
          break;
        case METHODID_PREVIEW_EXPERIMENT:
          serviceImpl.previewExperiment((asha.v1.PreviewExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.PreviewExperimentResponse>) responseObserver);
          break;
        case METHODID_GET_TRIAL:
          serviceImpl.getTrial((asha.v1.GetTrialRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.GetTrialResponse>) responseObserver);
          break;
        case METHODID_LIST_TRIALS:
          serviceImpl.listTrials((asha.v1.ListTrialsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ListTrialsResponse>) responseObserver);
          break;
        case METHODID_CANCEL_TRIAL:
          serviceImpl.cancelTrial((asha.v1.CancelTrialRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.CancelTrialResponse>) responseObserver);
          break;
        case METHODID_CREATE_TRIAL:
          serviceImpl.createTrial((asha.v1.CreateTrialRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.CreateTrialResponse>) responseObserver);
          break;
        case METHODID_LIST_OBSERVATIONS:
          serviceImpl.listObservations((asha.v1.ListObservationsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ListObservationsResponse>) responseObserver);
          break;
        case METHODID_LIST_RUNGS:
          serviceImpl.listRungs((asha.v1.ListRungsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ListRungsResponse>) responseObserver);
          break;
        case METHODID_LIST_DECISIONS:
          serviceImpl.listDecisions((asha.v1.ListDecisionsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ListDecisionsResponse>) responseObserver);
          break;
        case METHODID_GET_BEST_TRIALS:
          serviceImpl.getBestTrials((asha.v1.GetBestTrialsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.GetBestTrialsResponse>) responseObserver);
          break;
        case METHODID_LIST_CHECKPOINTS:
          serviceImpl.listCheckpoints((asha.v1.ListCheckpointsRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ListCheckpointsResponse>) responseObserver);
          break;
        case METHODID_WATCH_EXPERIMENT:
          serviceImpl.watchExperiment((asha.v1.WatchExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.WatchExperimentResponse>) responseObserver);
          break;
        case METHODID_EXPORT_EXPERIMENT:
          serviceImpl.exportExperiment((asha.v1.ExportExperimentRequest) request,
              (io.grpc.stub.StreamObserver<asha.v1.ExportExperimentResponse>) responseObserver);
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
        case METHODID_IMPORT_EXPERIMENT:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.importExperiment(
              (io.grpc.stub.StreamObserver<asha.v1.ImportExperimentResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreateExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.CreateExperimentRequest,
              asha.v1.CreateExperimentResponse>(
                service, METHODID_CREATE_EXPERIMENT)))
        .addMethod(
          getGetExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.GetExperimentRequest,
              asha.v1.GetExperimentResponse>(
                service, METHODID_GET_EXPERIMENT)))
        .addMethod(
          getListExperimentsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ListExperimentsRequest,
              asha.v1.ListExperimentsResponse>(
                service, METHODID_LIST_EXPERIMENTS)))
        .addMethod(
          getUpdateExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.UpdateExperimentRequest,
              asha.v1.UpdateExperimentResponse>(
                service, METHODID_UPDATE_EXPERIMENT)))
        .addMethod(
          getDeleteExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.DeleteExperimentRequest,
              asha.v1.DeleteExperimentResponse>(
                service, METHODID_DELETE_EXPERIMENT)))
        .addMethod(
          getPauseExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.PauseExperimentRequest,
              asha.v1.PauseExperimentResponse>(
                service, METHODID_PAUSE_EXPERIMENT)))
        .addMethod(
          getResumeExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ResumeExperimentRequest,
              asha.v1.ResumeExperimentResponse>(
                service, METHODID_RESUME_EXPERIMENT)))
        .addMethod(
          getStopExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.StopExperimentRequest,
              asha.v1.StopExperimentResponse>(
                service, METHODID_STOP_EXPERIMENT)))
        .addMethod(
          getPreviewExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.PreviewExperimentRequest,
              asha.v1.PreviewExperimentResponse>(
                service, METHODID_PREVIEW_EXPERIMENT)))
        .addMethod(
          getGetTrialMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.GetTrialRequest,
              asha.v1.GetTrialResponse>(
                service, METHODID_GET_TRIAL)))
        .addMethod(
          getListTrialsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ListTrialsRequest,
              asha.v1.ListTrialsResponse>(
                service, METHODID_LIST_TRIALS)))
        .addMethod(
          getCancelTrialMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.CancelTrialRequest,
              asha.v1.CancelTrialResponse>(
                service, METHODID_CANCEL_TRIAL)))
        .addMethod(
          getCreateTrialMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.CreateTrialRequest,
              asha.v1.CreateTrialResponse>(
                service, METHODID_CREATE_TRIAL)))
        .addMethod(
          getListObservationsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ListObservationsRequest,
              asha.v1.ListObservationsResponse>(
                service, METHODID_LIST_OBSERVATIONS)))
        .addMethod(
          getListRungsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ListRungsRequest,
              asha.v1.ListRungsResponse>(
                service, METHODID_LIST_RUNGS)))
        .addMethod(
          getListDecisionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ListDecisionsRequest,
              asha.v1.ListDecisionsResponse>(
                service, METHODID_LIST_DECISIONS)))
        .addMethod(
          getGetBestTrialsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.GetBestTrialsRequest,
              asha.v1.GetBestTrialsResponse>(
                service, METHODID_GET_BEST_TRIALS)))
        .addMethod(
          getListCheckpointsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              asha.v1.ListCheckpointsRequest,
              asha.v1.ListCheckpointsResponse>(
                service, METHODID_LIST_CHECKPOINTS)))
        .addMethod(
          getWatchExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              asha.v1.WatchExperimentRequest,
              asha.v1.WatchExperimentResponse>(
                service, METHODID_WATCH_EXPERIMENT)))
        .addMethod(
          getExportExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncServerStreamingCall(
            new MethodHandlers<
              asha.v1.ExportExperimentRequest,
              asha.v1.ExportExperimentResponse>(
                service, METHODID_EXPORT_EXPERIMENT)))
        .addMethod(
          getImportExperimentMethod(),
          io.grpc.stub.ServerCalls.asyncClientStreamingCall(
            new MethodHandlers<
              asha.v1.ImportExperimentRequest,
              asha.v1.ImportExperimentResponse>(
                service, METHODID_IMPORT_EXPERIMENT)))
        .build();
  }

  private static abstract class ExperimentServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    ExperimentServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return asha.v1.ExperimentServiceOuterClass.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("ExperimentService");
    }
  }

  private static final class ExperimentServiceFileDescriptorSupplier
      extends ExperimentServiceBaseDescriptorSupplier {
    ExperimentServiceFileDescriptorSupplier() {}
  }

  private static final class ExperimentServiceMethodDescriptorSupplier
      extends ExperimentServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    ExperimentServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (ExperimentServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new ExperimentServiceFileDescriptorSupplier())
              .addMethod(getCreateExperimentMethod())
              .addMethod(getGetExperimentMethod())
              .addMethod(getListExperimentsMethod())
              .addMethod(getUpdateExperimentMethod())
              .addMethod(getDeleteExperimentMethod())
              .addMethod(getPauseExperimentMethod())
              .addMethod(getResumeExperimentMethod())
              .addMethod(getStopExperimentMethod())
              .addMethod(getPreviewExperimentMethod())
              .addMethod(getGetTrialMethod())
              .addMethod(getListTrialsMethod())
              .addMethod(getCancelTrialMethod())
              .addMethod(getCreateTrialMethod())
              .addMethod(getListObservationsMethod())
              .addMethod(getListRungsMethod())
              .addMethod(getListDecisionsMethod())
              .addMethod(getGetBestTrialsMethod())
              .addMethod(getListCheckpointsMethod())
              .addMethod(getWatchExperimentMethod())
              .addMethod(getExportExperimentMethod())
              .addMethod(getImportExperimentMethod())
              .build();
        }
      }
    }
    return result;
  }
}
