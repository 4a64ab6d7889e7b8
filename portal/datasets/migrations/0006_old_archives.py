from django.db import migrations
from django.db.models import Max


def archives_become_packs(apps, schema_editor):
    """A dataset.tar holds its images whole, one after the other: it is a pack as it stands.

    Its index is made when the version is first opened, see ``old_archives.py``.
    """
    Version, Pack = apps.get_model("datasets", "DatasetVersion"), apps.get_model("datasets", "Pack")
    for version in Version.objects.exclude(archive="").iterator():
        pack = Pack.objects.create(
            dataset_id=version.dataset_id,
            name=f"archive-{version.pk}.tar",
            file=version.archive.name,
            images=version.images,
            bytes=version.bytes,
        )
        version.packs.add(pack)
        for finding in version.findings:
            finding["examples"] = [{"image": None, "text": text} for text in finding["examples"]]
        version.save(update_fields=["findings"])
    for dataset in apps.get_model("datasets", "Dataset").objects.annotate(last=Max("versions__number")):
        dataset.last_number = dataset.last or 0
        dataset.save(update_fields=["last_number"])


class Migration(migrations.Migration):
    dependencies = [("datasets", "0005_packs")]

    operations = [migrations.RunPython(archives_become_packs, migrations.RunPython.noop)]
