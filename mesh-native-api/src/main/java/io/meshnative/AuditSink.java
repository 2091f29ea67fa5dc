package io.meshnative;

/**
 * Takes a record of everything that was refused and of everything that was ended because its right
 * was withdrawn, with the full reason. For an audit trail:
 *
 * <pre>{@code
 * MeshClient.builder("billing")
 *     .auditSink(record -> trail.append(json(record)))
 *     .build();
 * }</pre>
 *
 * <p>Records come in order and one at a time, on a daemon thread that serves the sink alone; it may
 * block. Nothing ever waits for a sink: up to {@value #CAPACITY} records wait for one that is slow,
 * and what comes on top is dropped and counted ({@link AuditRecord#droppedBefore}, {@link
 * MeshSnapshot#auditDropped}, a {@link MeshEvent.Warning}). What a sink throws is logged, and the
 * next record comes all the same. {@link MeshClient#close} hands over what waits, for at most
 * {@value #CLOSE_SECONDS} seconds, and then interrupts the sink.
 */
@FunctionalInterface
public interface AuditSink {
  /** How many records wait at most. */
  int CAPACITY = 4096;

  /** How long, in seconds, a client that closes waits for the sink. */
  int CLOSE_SECONDS = 5;

  /**
   * Takes a record.
   *
   * @param record what was refused or ended
   * @throws Exception if it cannot be taken; it is not offered again
   */
  void accept(AuditRecord record) throws Exception;
}
