"""Slipway's settings: one file, works without configuration, changed by environment variables only."""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url
from cryptography.fernet import Fernet

from portal import env, machine, secrets_file, servers
from portal.identity_settings import *  # noqa: F403
from portal.log_settings import LOGGING  # noqa: F401 (a setting)
from portal.schedule import BEAT_SCHEDULE as CELERY_BEAT_SCHEDULE  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent
CONFIGS_DIR = BASE_DIR / "configs"
VAR_DIR = env.path("SLIPWAY_VAR", BASE_DIR / "var")
SECRETS_DIR = VAR_DIR / "secrets"
os.umask(0o077)  # no file is for other users of the machine

DEBUG = env.boolean("DEBUG", False)
SECRET_KEY = env.text("SECRET_KEY") or secrets_file.get_or_create(SECRETS_DIR, "django-key")
# Encrypts board credentials. Losing it means entering them again.
ENCRYPTION_KEY = env.text("ENCRYPTION_KEY") or secrets_file.get_or_create(
    SECRETS_DIR, "encryption-key", lambda: Fernet.generate_key().decode()
)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", "")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "portal.core",
    "portal.teams",
    "portal.jobs",
    "portal.datasets",
    "portal.devices",
    "portal.models",
    "portal.training",
    "portal.compilation",
    "portal.prelabelling",
    "portal.deployment",
    "portal.camera",
    "portal.rollouts",
    "portal.review",
    "portal.application",
    "portal.runs",
    "portal.fitting",
    "portal.importing",
    "portal.notify",
    "portal.history",
    "portal.home",
    "portal.ops",
]

MIDDLEWARE = [
    "portal.ops.monitoring.probes.Probes",
    "portal.core.request_ids.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.core.middleware.ContentSecurityPolicy",
    "portal.core.sessions.Sessions",
    "portal.core.compression.Compression",
    "portal.core.slashes.Slashes",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.core.middleware.Language",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.teams.middleware.CurrentTeam",
    "portal.teams.middleware.Audit",
    "portal.core.middleware.Outages",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "portal.core.templatetags.slipway",
                "portal.jobs.templatetags.job_tags",
                "portal.notify.templatetags.notices",
                "portal.home.templatetags.site_menu",
            ],
        },
    }
]

# --- data -------------------------------------------------------------------------------------
DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}", conn_max_age=60, conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        # IMMEDIATE: two writers queue for the lock instead of one failing half-way.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,  # seconds, for workers and commands; requests wait less, see ``core/patience.py``
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
servers.patient_postgresql(DATABASES["default"])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

FILES_S3_BUCKET = env.text("FILES_S3_BUCKET")  # boto3 finds credentials: AWS_ACCESS_KEY_ID and the like
FILES_S3_ENDPOINT = env.text("FILES_S3_ENDPOINT")
_local_files = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": str(env.path("FILES_DIR", VAR_DIR / "files")),
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
_s3_files = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": FILES_S3_BUCKET,
        "endpoint_url": FILES_S3_ENDPOINT or None,
        "client_config": servers.s3_config(FILES_S3_ENDPOINT),
        "file_overwrite": False,  # as on a local disk: a second file with the same name gets another name
        "max_memory_size": 16 * 1024 * 1024,  # larger ones are read through a temporary file
        "default_acl": None,
        "querystring_auth": True,
    },
}
STORAGES = {
    "default": _s3_files if FILES_S3_BUCKET else _local_files,
    "staticfiles": {"BACKEND": "portal.ops.static_files.HashedFiles"},
}
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"  # filled when the web server starts
WHITENOISE_USE_FINDERS = True  # for requests without the hash
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
DATA_UPLOAD_MAX_NUMBER_FILES = 500
# Beside the stored files, so that storing an upload is a rename and not another copy.
FILE_UPLOAD_TEMP_DIR = VAR_DIR / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
FILE_UPLOAD_PERMISSIONS = 0o600
UPLOAD_MAX_BYTES = env.integer("UPLOAD_MAX_MB", 4096, least=1) * 1024 * 1024
UPLOAD_PIECE_BYTES = 32 * 1024 * 1024  # the most that a broken connection or process can lose
UPLOAD_KEPT_HOURS = env.integer("UPLOAD_KEPT_HOURS", 24, least=1)
DATASET_KEPT_DAYS = env.integer("DATASET_KEPT_DAYS", 7)  # after deletion
# Limits per team; 0 for no limit. A team's page may set lower ones, never higher. Locations that datasets may
# be imported from: names that people choose, and their paths.
IMPORT_DIRS = {name: Path(where) for name, where in env.pairs("IMPORT_DIRS").items()}
IMPORT_S3 = env.pairs("IMPORT_S3")
IMPORT_S3_ENDPOINT = env.text("IMPORT_S3_ENDPOINT") or FILES_S3_ENDPOINT
# Where ``manage.py backup`` and the daily backup write: an absolute path or s3://bucket/prefix.
BACKUP_TO = env.text("BACKUP_TO")
BACKUP_S3_ENDPOINT = env.text("BACKUP_S3_ENDPOINT") or FILES_S3_ENDPOINT
BACKUP_EVERY_HOURS = env.integer("BACKUP_EVERY_HOURS", 0)  # 0: by command only
BACKUP_KEEP = env.integer("BACKUP_KEEP", 14, least=1)
if BACKUP_EVERY_HOURS and not BACKUP_TO:
    raise env.SettingError("BACKUP_EVERY_HOURS is set, but not BACKUP_TO: say where backups go.")
for _name, _where in IMPORT_DIRS.items():
    if not _where.is_absolute() or _name in IMPORT_S3:
        raise env.SettingError(f"IMPORT_DIRS: {_name} must be a whole path, and no name of IMPORT_S3.")
for _name, _where in IMPORT_S3.items():
    if not _where.startswith("s3://") or not _where.removeprefix("s3://").partition("/")[0]:
        raise env.SettingError(f"IMPORT_S3: {_name} must be like s3://bucket/prefix/, not {_where!r}.")
TEAM_QUOTA_BYTES = env.integer("TEAM_QUOTA_MB", 0) * 1024 * 1024
TEAM_RUNNING_JOBS = env.integer("TEAM_RUNNING_JOBS", 0)
TEAM_QUEUED_JOBS = env.integer("TEAM_QUEUED_JOBS", 1000)

# --- people -----------------------------------------------------------------------------------
AUTH_USER_MODEL = "teams.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 24 * 3600  # seconds for which a password link works
# Mail is optional: without EMAIL_HOST, a team administrator hands out password links.
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, least=1)
EMAIL_HOST_USER = env.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_PASSWORD")
EMAIL_USE_TLS = env.boolean("EMAIL_TLS", True)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "slipway@localhost")

# Read-only calls of tokens leave the audit after this many days; 0 keeps them. Everything else stays.
AUDIT_CALLS_KEPT_DAYS = env.integer("AUDIT_CALLS_KEPT_DAYS", 90)

# Where `make serve` and `make demo` listen, and the portal's public URL, for links in mails and webhooks.
HOST, PORT = env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, least=1)
SITE_URL = env.address("SITE_URL", HOST, PORT)
# Private networks that webhooks may reach; public addresses are always allowed.
WEBHOOK_ALLOWED_NETWORKS = env.networks("WEBHOOK_ALLOWED_NETWORKS")

HTTPS = env.boolean("HTTPS", False)
# The number of proxies that add to X-Forwarded-For: it gives the caller's address for audit and throttle.
PROXIES = env.integer("PROXIES", 1 if HTTPS else 0)
# The networks that these proxies are in; none for every network. From elsewhere, X-Forwarded-* is ignored.
PROXY_NETWORKS = env.networks("PROXY_NETWORKS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
# Only the owner of the domain knows whether all its other hosts speak TLS too, and always will.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

MESSAGE_STORAGE = "portal.core.messages.MessageStorage"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True

LIVE_SHARED_SECONDS = 1.0  # how long one rendering of a live part is shared by all who may see it
API_CALLS_PER_MINUTE = env.integer("API_CALLS_PER_MINUTE", 1200)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # First, because the first one names the authentication scheme for anonymous calls: 401 and not 403.
        "portal.teams.authentication.BearerToken",
        "portal.teams.authentication.Password",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["portal.teams.permissions.InTeam"],
    "DEFAULT_THROTTLE_CLASSES": ["portal.core.ratelimit.CallsPerMinute"],
    "DEFAULT_PARSER_CLASSES": ["portal.core.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["portal.core.filters.ListBackend"],
    "DEFAULT_PAGINATION_CLASS": "portal.core.pagination.ByNewest",
    "PAGE_SIZE": 50,
    "EXCEPTION_HANDLER": "portal.core.problems.handle_exception",
    "DEFAULT_SCHEMA_CLASS": "portal.core.schema.ApiSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Slipway",
    "DESCRIPTION": "From a folder of images to a model answering on an edge board.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    # Requests have a schema of their own: files are bytes there, and read-only fields are absent.
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "portal.core.schema.name_numbers",
    ],
    "ENUM_NAME_OVERRIDES": {
        "AudienceEnum": "portal.notify.models.Audience",
        "RoleEnum": "portal.teams.models.Role",
        "PriorityEnum": "portal.jobs.models.Priority",
        "TokenStateEnum": "portal.teams.serializers.TOKEN_STATES",
        "SplitEnum": "workers.datakit.options.SPLIT_METHODS",
        "SplitNameEnum": "workers.contract.splits.SPLITS",
        "DraftChangeKindEnum": "portal.datasets.draft_serializers.CHANGE_KINDS",
        "DraftStateEnum": "portal.datasets.draft_models.DraftState",
        "UploadStateEnum": "portal.datasets.states.UploadState",
        "FolderRoleEnum": "portal.datasets.reading_options.ROLES",
        "ModelFormatEnum": "portal.importing.serializers.FORMATS",
        "ModelOriginEnum": "portal.models.models.Origin",
        "ReviewStateEnum": "portal.review.models.State",
        "StatusEnum": "portal.jobs.models.Status",
        "WorkerStateEnum": "portal.jobs.hosts.STATES",
        "VersionStatusEnum": "portal.datasets.serializers.VERSION_STATUSES",
        "FormatEnum": "workers.datakit.readers.LAYOUTS",
    },
}

# --- jobs -------------------------------------------------------------------------------------
JOBS_DIR = env.path("JOBS_DIR", VAR_DIR / "jobs")
CACHE_DIR = env.path("CACHE_DIR", VAR_DIR / "cache")
CACHE_MAX_BYTES = env.integer("CACHE_MAX_MB", 20 * 1024, least=1) * 1024 * 1024  # of staged datasets
TRAIN_PYTHON = env.executable("TRAIN_PYTHON", BASE_DIR / "workers/train/.venv/bin/python")
CONVERT_PYTHON = env.executable("CONVERT_PYTHON", BASE_DIR / "workers/convert/.venv/bin/python")
# "gpu:0 gpu:1": one training on each at a time; "gpu:0,gpu:1": one training on both.
TRAIN_DEVICE = env.text("TRAIN_DEVICE", "cpu")
TRAIN_DEVICES = TRAIN_DEVICE.split() or ["cpu"]
PADDLECLAS_DIR = env.path("PADDLECLAS_DIR")
PADDLEDET_DIR = env.path("PADDLEDET_DIR")
PRETRAINED_DIR = env.path("PRETRAINED_DIR")
PRETRAINED_DOWNLOAD = env.boolean("PRETRAINED_DOWNLOAD", True)
# Whether worker programs see only their job's files, and additional folders that they may read.
PROGRAM_SANDBOX = env.boolean("PROGRAM_SANDBOX", True)
PROGRAM_READ_DIRS = [Path(where).absolute() for where in env.names("PROGRAM_READ_DIRS", "")]
# The bytes that one process of a program may write to memory; 0 for no limit.
TRAIN_MEMORY_BYTES = env.integer("TRAIN_MEMORY_MB", machine.memory_megabytes()) * 1024 * 1024
CONVERT_MEMORY_BYTES = env.integer("CONVERT_MEMORY_MB", machine.memory_megabytes()) * 1024 * 1024
# The programs of the train and convert kinds; the tests put their fakes here.
TRAIN_PROGRAM = [str(TRAIN_PYTHON), "-m", "workers.train"]
CONVERT_PROGRAM = [str(CONVERT_PYTHON), "-m", "workers.convert"]
INTAKE_PROGRAM = [str(TRAIN_PYTHON), "-m", "workers.intake"]
PRELABEL_PROGRAM = [str(CONVERT_PYTHON), "-m", "workers.convert.prelabel"]
JOB_TICK_SECONDS = 0.25
JOB_HEARTBEAT_SECONDS = 1.0
JOB_LOST_AFTER = timedelta(seconds=60)
JOB_RESENT_AFTER = timedelta(seconds=4)  # resend jobs older than this if their queue at the broker is empty
JOB_KILL_GRACE_SECONDS = 10.0
JOB_LOST_GRACE_SECONDS = 3.0  # after an outage every heartbeat looks old: live workers beat within this time
JOB_END_PATIENCE_SECONDS = 300.0  # how long to retry writing the end of a job
JOB_MAX_RESUMES = 3
JOB_FOLDER_KEPT = timedelta(days=3)  # of a failed job, for debugging
# A worker that is told to stop lets its jobs run for this long, then hands them back.
DRAIN_SECONDS = env.integer("DRAIN_SECONDS", 30)
# How often a training's checkpoint is copied to storage, for other hosts to go on from; 0 for never.
CHECKPOINT_MINUTES = env.integer("CHECKPOINT_MINUTES", 5 if FILES_S3_BUCKET else 0)
JOB_LOG_MAX_BYTES = 20 * 1024 * 1024
# The sites whose boards this worker reaches, see ``jobs/sites.py``; none for the boards without a site.
SITES = env.slugs("SITES")
# The networks that devices and jump hosts may be in; none for every network.
DEVICE_NETWORKS = env.networks("DEVICE_NETWORKS")
# How often to check whether a device that was online still is; 0 for never.
DEVICE_CHECK_MINUTES = env.integer("DEVICE_CHECK_MINUTES", 10)
DEVICE_HEALTH_DAYS = env.integer("DEVICE_HEALTH_DAYS", 30)  # how long the samples of these checks are kept
DEPLOY_WATCH_SECONDS = env.integer("DEPLOY_WATCH_SECONDS", 15)  # after the switch; 0 for no watch
SSH_TIMEOUT_SECONDS = env.integer("SSH_TIMEOUT_SECONDS", 10, least=1)
SSH_RETRY_DELAYS = (1.0, 3.0, 6.0, 10.0)  # seconds before each further attempt of a job to reach a board

# A socket instead of a port: nobody else on the machine can reach it, and no port can clash.
BROKER_SOCKET = VAR_DIR / "run" / "broker.sock"
CELERY_BROKER_URL = env.text("REDIS_URL") or f"redis+socket://{BROKER_SOCKET}"
# A page waits this long for a hanging broker, and then not at all for a while: the job stays queued and is
# sent later.
BROKER_SECONDS = 2.0
BROKER_PAUSE_SECONDS = 5.0
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # workers wait for an unreachable broker, however long
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 24 * 3600 + 600,  # above the longest job
    "socket_keepalive": not CELERY_BROKER_URL.startswith("redis+socket"),
    "socket_timeout": BROKER_SECONDS,
    "socket_connect_timeout": BROKER_SECONDS,
    "polling_interval": 0.2,
    "max_retries": 0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
# Jobs go to the queue of their kind. Of the other tasks, "upkeep" takes moments and only queries the
# database: lost jobs, lost messages, runs to advance. It has a worker that nothing else may block. "errands"
# wait for others: mail servers, webhooks, boards, storage.
CELERY_TASK_DEFAULT_QUEUE = "upkeep"
CELERY_TASK_ROUTES = {
    "portal.notify.tasks.send_mails": {"queue": "errands"},
    "portal.notify.tasks.deliver": {"queue": "errands"},
    "portal.notify.tasks.tidy": {"queue": "errands"},
    "portal.devices.tasks.watch": {"queue": "errands"},
    "portal.ops.tasks.back_up": {"queue": "errands"},
    "portal.review.tasks.*": {"queue": "errands"},
    "portal.datasets.tasks.*": {"queue": "errands"},
    "portal.runs.tasks.sweep_deleted": {"queue": "errands"},
    "portal.camera.tasks.*": {"queue": "errands"},
    "portal.teams.tasks.*": {"queue": "errands"},
    "portal.core.tasks.*": {"queue": "errands"},
    "portal.jobs.tasks.sweep_checkpoints": {"queue": "errands"},
}
# Jobs that talk to boards mostly wait. A team may hold only this many slots, so that its frozen boards leave
# some to the others.
DEPLOY_SLOTS = env.integer("DEPLOY_SLOTS", 8, least=2)
CAMERA_SLOTS = env.integer("CAMERA_SLOTS", 8, least=2)  # boards whose cameras are read at a time
TEAM_SLOTS = {"deploy": max(1, DEPLOY_SLOTS * 3 // 4), "camera": max(1, CAMERA_SLOTS * 3 // 4)}
ERRANDS_SLOTS = 10
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "run" / "beat-schedule")
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

METRICS_TOKEN = env.text("METRICS_TOKEN")  # required by /metrics; without it there is no such page
