"""The log: ``LOGGING`` of the settings."""

from portal import env

LOG_FORMAT = env.text("LOG_FORMAT", "line")
if LOG_FORMAT not in ("line", "json"):
    raise env.SettingError(f"LOG_FORMAT must be line or json, not {LOG_FORMAT!r}.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "portal.core.log_lines.JsonFormatter"},
        "line": {
            "()": "portal.core.log_lines.LineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
    },
    "filters": {
        "about requests": {"()": "portal.core.secret_paths.AboutRequests"},
        "named": {"()": "portal.core.request_ids.Named"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["about requests", "named"],
        }
    },
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
}
