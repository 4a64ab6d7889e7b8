"""The audit's verbs in words. The part of a verb before its dot names the object."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

ACCESS, CALL = "access", "api.call"
WORDS = {
    ACCESS: gettext_lazy("Request refused"),
    "account.email": gettext_lazy("E-mail address changed"),
    CALL: gettext_lazy("API call"),
    "audit.export": gettext_lazy("Audit exported"),
    "capture.begin": gettext_lazy("Images from a camera begun"),
    "capture.discard": gettext_lazy("Images from a camera discarded"),
    "compiled-model.choose": gettext_lazy("Variant chosen"),
    "compiled-model.create": gettext_lazy("Variant compiled"),
    "compiled-model.layer-errors": gettext_lazy("Layers measured"),
    "dataset.confirm": gettext_lazy("Import confirmed"),
    "dataset.delete": gettext_lazy("Dataset or version deleted"),
    "dataset.discard": gettext_lazy("Upload discarded in review"),
    "dataset.import": gettext_lazy("Dataset imported"),
    "dataset.rename": gettext_lazy("Dataset renamed"),
    "dataset.reread": gettext_lazy("Upload read again"),
    "dataset.restore": gettext_lazy("Dataset or version restored"),
    "dataset.revise": gettext_lazy("Edits saved as a version"),
    "dataset.cut": gettext_lazy("Dataset made of boxes"),
    "dataset.upload": gettext_lazy("Dataset uploaded"),
    "deployment.activate": gettext_lazy("Release activated"),
    "deployment.create": gettext_lazy("Deployment started"),
    "deployment.override": gettext_lazy("Deployed against the policy"),
    "deployment.rollback": gettext_lazy("Rollback started"),
    "device.change-password": gettext_lazy("Password of a board changed"),
    "device.capture": gettext_lazy("Images captured by a device"),
    "device.create": gettext_lazy("Device registered"),
    "device.delete": gettext_lazy("Device deleted"),
    "device.edit": gettext_lazy("Device edited"),
    "device.host-key": gettext_lazy("Host key accepted"),
    "device.infer": gettext_lazy("Inference run"),
    "device.install-key": gettext_lazy("Key installed on a board"),
    "device.live": gettext_lazy("Camera watched live"),
    "device.probe": gettext_lazy("Connection checked"),
    "device.undo": gettext_lazy("Change of a board's access undone"),
    "draft.prelabel": gettext_lazy("Labels proposed by a model"),
    "draft.discard": gettext_lazy("Edits discarded"),
    "evidence.key": gettext_lazy("Key for evidence made"),
    "fit.create": gettext_lazy("Search for a fitting model started"),
    "group.remove": gettext_lazy("Device group removed"),
    "group.set": gettext_lazy("Device group set"),
    "invitation.create": gettext_lazy("Invitation created"),
    "invitation.withdraw": gettext_lazy("Invitation withdrawn"),
    "job.cancel": gettext_lazy("Job cancelled"),
    "job.move": gettext_lazy("Job moved in the queue"),
    "job.priority": gettext_lazy("Priority of a job changed"),
    "job.retry": gettext_lazy("Job retried"),
    "jump-host.remove": gettext_lazy("Jump host removed"),
    "jump-host.set": gettext_lazy("Jump host set"),
    "member.join": gettext_lazy("Member joined"),
    "member.remove": gettext_lazy("Member removed"),
    "member.role": gettext_lazy("Role changed"),
    "model.threshold": gettext_lazy("Score threshold of a model changed"),
    "password.change": gettext_lazy("Password changed"),
    "password.link": gettext_lazy("Password link created"),
    "password.link-end": gettext_lazy("Password link ended"),
    "password.mail": gettext_lazy("Password link mailed"),
    "password.reset": gettext_lazy("Password reset by link"),
    "password.set": gettext_lazy("Password set on the server"),
    "policy.remove": gettext_lazy("Deployment policy removed"),
    "policy.set": gettext_lazy("Deployment policy set"),
    "quantization.search": gettext_lazy("Quantization searched"),
    "review.accept": gettext_lazy("Image from a device accepted"),
    "review.discard": gettext_lazy("Image from a device discarded"),
    "review.rule": gettext_lazy("Rule for images from devices set"),
    "review.rule-remove": gettext_lazy("Rule for images from devices removed"),
    "review.undo": gettext_lazy("Image from a device brought back"),
    "rollout.abort": gettext_lazy("Rollout aborted"),
    "rollout.approve": gettext_lazy("Wave of a rollout approved"),
    "rollout.create": gettext_lazy("Rollout started"),
    "rollout.pause": gettext_lazy("Rollout paused"),
    "rollout.resume": gettext_lazy("Rollout resumed"),
    "rollout.undo": gettext_lazy("Rollout undone"),
    "run.cancel": gettext_lazy("Run cancelled"),
    "run.create": gettext_lazy("Run started"),
    "run.delete": gettext_lazy("Run deleted"),
    "run.edit": gettext_lazy("Run edited"),
    "run.restore": gettext_lazy("Run restored"),
    "run.retry": gettext_lazy("Run retried"),
    "sign-in.password": gettext_lazy("Sign-in by password"),
    "sign-in.token": gettext_lazy("Sign-in by token"),
    "sign-out": gettext_lazy("Sign-out"),
    "sign-out.remote": gettext_lazy("Sign-out of another browser"),
    "team.create": gettext_lazy("Team created"),
    "team.quota": gettext_lazy("Limits changed"),
    "team.rename": gettext_lazy("Team renamed"),
    "team.settings": gettext_lazy("Team settings changed"),
    "token.create": gettext_lazy("Token created"),
    "token.revoke": gettext_lazy("Token revoked"),
    "upload.discard": gettext_lazy("Unfinished upload discarded"),
    "webhook.create": gettext_lazy("Webhook created"),
    "webhook.delete": gettext_lazy("Webhook deleted"),
    "webhook.edit": gettext_lazy("Webhook edited"),
    "webhook.redeliver": gettext_lazy("Webhook delivery repeated"),
    "webhook.secret": gettext_lazy("Webhook secret replaced"),
    "webhook.stop": gettext_lazy("Webhook stopped"),
    "webhook.test": gettext_lazy("Webhook tested"),
}
SUBJECTS = {
    "dataset": gettext_lazy("Datasets"),
    "deployment": gettext_lazy("Deployments"),
    "device": gettext_lazy("Devices"),
    "invitation": gettext_lazy("Invitations"),
    "job": gettext_lazy("Jobs"),
    "member": gettext_lazy("Members"),
    "password": gettext_lazy("Passwords"),
    "policy": gettext_lazy("Deployment policies"),
    "rollout": gettext_lazy("Rollouts"),
    "run": gettext_lazy("Runs"),
    "sign-in": gettext_lazy("Signing in"),
    "sign-out": gettext_lazy("Signing out"),
    "team": gettext_lazy("Team"),
    "token": gettext_lazy("Tokens"),
    "webhook": gettext_lazy("Webhooks"),
}


def choices() -> list[tuple]:
    """For a filter: every verb in words, grouped by object."""
    groups: dict[str, list[tuple]] = {}
    for verb, words in WORDS.items():
        groups.setdefault(verb.partition(".")[0], []).append((verb, words))
    named = [(title, _of(subject, title, groups.pop(subject))) for subject, title in SUBJECTS.items()]
    return [("", _("Anything")), *named, (_("Other"), [one for verbs in groups.values() for one in verbs])]


def _of(subject: str, title: str, verbs: list[tuple]) -> list[tuple]:
    """The choices for one object; a verb that equals its name stands for all of them."""
    everything = (subject, _("All: %(subject)s") % {"subject": title})
    return [everything, *((verb, words) for verb, words in verbs if verb != subject)]
