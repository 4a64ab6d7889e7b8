"""The lines of ``authorization_table`` about drafts: changes to a version, and images from cameras."""

from tests.authorization_rules import DATASETS, DEPLOY, MEMBER, OPERATOR, VIEWER, Rule, change, look

API = {
    "GET drafts/": look(MEMBER),
    "POST drafts/": change(MEMBER, DATASETS),
    # A draft is its maker's alone, and nobody here has one.
    "GET drafts/{pk}/": look("nobody", own=True, refused_below=MEMBER),
    **{
        f"{call} drafts/{{pk}}/{act}": change("nobody", DATASETS, own=True, refused_below=MEMBER)
        for call, act in [
            ("DELETE", ""),
            ("POST", "changes/"),
            ("POST", "undo/"),
            ("POST", "redo/"),
            ("POST", "commit/"),
            ("POST", "accept/"),
            ("POST", "reject/"),
        ]
    },
    "GET drafts/{pk}/proposals/": look("nobody", own=True, refused_below=MEMBER),
    "GET prelabellings/": look(),
    "GET prelabellings/{pk}/": look(),
    "POST prelabellings/": change(MEMBER, DATASETS),
    "GET capture-drafts/": look(MEMBER),
    "POST capture-drafts/": change(MEMBER, DATASETS, body={"dataset": "Bolts", "task": "classification"}),
    # It is its maker's alone, and nobody here has one.
    "GET capture-drafts/{pk}/": look("nobody", own=True, refused_below=MEMBER),
    "GET capture-drafts/{pk}/images/": look("nobody", own=True, refused_below=MEMBER),
    "GET capture-drafts/{pk}/images/{number}/": look("nobody", own=True, refused_below=MEMBER),
    **{
        f"{call} capture-drafts/{{pk}}/{act}": change("nobody", DATASETS, own=True, refused_below=MEMBER)
        for call, act in [
            ("DELETE", ""),
            ("POST", "images/"),
            ("DELETE", "images/{number}/"),
            ("POST", "label/"),
            ("POST", "commit/"),
        ]
    },
    "GET captures/": look(),
    "GET captures/{pk}/": look(),
    "POST captures/": change(OPERATOR, DEPLOY),
}
PAGES = {
    "GET camera-live": Rule(VIEWER),
    "GET camera-stream": Rule(VIEWER),
    "GET camera-stream-state": Rule(VIEWER),
    "POST camera-stream-start": Rule(OPERATOR),
    "GET camera-begin": Rule(MEMBER),
    "POST camera-begin": Rule(MEMBER),
    "GET camera-draft": Rule("nobody", own=True, refused_below=MEMBER),
    "GET camera-image": Rule("nobody", own=True, refused_below=MEMBER),
    "POST camera-change": Rule("nobody", own=True, refused_below=MEMBER),
    "POST camera-capture": Rule("nobody", own=True, refused_below=OPERATOR),
    "POST camera-commit": Rule("nobody", own=True, refused_below=MEMBER),
    "POST camera-discard": Rule("nobody", own=True, refused_below=MEMBER),
    "POST camera-reopen": Rule("nobody", own=True, refused_below=MEMBER),
}
