"""What the clock starts, and how often in seconds; a late call is dropped when the next one is due."""

BEAT_SCHEDULE = {
    name: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for name, task, seconds in (
        ("reap lost jobs", "portal.jobs.tasks.reap", 15.0),
        ("send lost messages again", "portal.jobs.tasks.resend", 5.0),
        ("advance runs", "portal.runs.tasks.sweep", 30.0),
        ("advance rollouts", "portal.rollouts.tasks.sweep", 15.0),
        ("advance searches", "portal.compilation.tasks.sweep", 30.0),
        ("advance fit searches", "portal.fitting.tasks.sweep", 30.0),
        ("send notices again", "portal.notify.tasks.sweep", 30.0),
        ("look after devices", "portal.devices.tasks.watch", 60.0),
        ("sweep the review queue", "portal.review.tasks.sweep", 900.0),
        ("sweep checkpoints", "portal.jobs.tasks.sweep_checkpoints", 3600.0),
        ("sweep uploads", "portal.datasets.tasks.sweep_uploads", 900.0),
        ("sweep deleted datasets", "portal.datasets.tasks.sweep_deleted", 3600.0),
        ("sweep deleted runs", "portal.runs.tasks.sweep_deleted", 3600.0),
        ("sweep captured images", "portal.camera.tasks.sweep", 3600.0),
        ("sweep the audit", "portal.teams.tasks.sweep_audit", 3600.0),
        ("sweep idempotent calls", "portal.core.tasks.sweep_idempotent_calls", 3600.0),
        ("remove old notices", "portal.notify.tasks.tidy", 3600.0),
        ("back up", "portal.ops.tasks.back_up", 900.0),
    )
}
