/** The wire contract `asha.v1`: every message, enum and service, generated from /protos by `generate`. */
export * from "./asha/v1/admin_service_pb.js";
export * from "./asha/v1/error_pb.js";
export * from "./asha/v1/event_pb.js";
export * from "./asha/v1/experiment_pb.js";
export * from "./asha/v1/experiment_service_pb.js";
export * from "./asha/v1/suggestion_service_pb.js";
export * from "./asha/v1/trial_pb.js";
