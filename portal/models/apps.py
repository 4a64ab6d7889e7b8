from django.apps import AppConfig


class ModelsConfig(AppConfig):
    name = "portal.models"
