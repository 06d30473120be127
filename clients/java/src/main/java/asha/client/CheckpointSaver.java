package asha.client;

/** Saves a checkpoint of the training as it stands. */
@FunctionalInterface
public interface CheckpointSaver {
  /**
   * Saves, and returns once the checkpoint is complete.
   *
   * @return its name, a path or URI that every worker can read; at most 2048 bytes
   * @throws Exception it could not be saved
   */
  String save() throws Exception;
}
