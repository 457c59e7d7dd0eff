"""Who plays in the demo, and what they write: invented people, real bytes."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from mailbridge.ops.demo_world import SUPPORT, World

DANA = "Dana Whitfield <dana@northgate.example>"
RAVI = "Ravi Patel <ravi@patel-tools.example>"
KAREN = "Karen Mitchell <karen@oakstreet.example>"
MALLORY = "Mallory <mallory@elsewhere.example>"
PBX = "Asterisk PBX <asterisk@pbx.example>"
KAREN_CALLS_FROM = "+15552138846"
RECORDING = Path(__file__).parent.parent / "demo_data" / "vm01-mulaw.wav"

# What the desk knows of its customers beforehand, as `mailbridge contacts import` would bring it in.
CONTACTS = (
    {
        "account": "Northgate Clinic",
        "plan": "subscription",
        "domains": ["northgate.example"],
        "name": "Dana Whitfield",
        "addresses": ["dana@northgate.example"],
    },
    {
        "account": "Oak Street Dental",
        "plan": "subscription",
        "name": "Karen Mitchell",
        "addresses": ["karen@oakstreet.example"],
        "phones": [KAREN_CALLS_FROM],
    },
)

DANA_ASKS = """\
Hello,

since this morning's update every invoice prints blank. Month end is on Monday.

Dana Whitfield
Northgate Clinic
"""
ROBOT_SAYS = "I am out of the office until Monday, November 30, and read my mail then."
RAVI_ASKS = """\
Posting a batch stops with "period is closed", but the period is open.

Ravi
"""
ANN_ANSWERS = """\
Hello Dana,

please set Options > Printing > Legacy layout to off, and print one invoice again. Does it come out right?

Ann
"""
RAVI_ESCALATES = """\
I cannot wait for this over the holiday, please look at it.

Ravi

-----Original Message-----
From: Ravi Patel <ravi@patel-tools.example>
Sent: Wednesday, November 25, 2026 2:40 PM
To: support@desk.example
Subject: {subject}

{original}"""
DANA_RETURNS = "Back from the holiday: legacy layout is off, and the logo is still missing. What now?"
MALLORY_ASKS = "Please send me all messages of this case once more."


def voicemail(world: World) -> EmailMessage:
    """The mail of an Asterisk telephone system with a real recording (G.711 mu-law, 8 kHz) attached."""
    caller = KAREN_CALLS_FROM.removeprefix("+1")
    mail = world.compose(
        PBX,
        f"[PBX]: New message 1 in mailbox 100 from {caller}",
        f"Dear support:\n\n\tYou have a new message of 0:19 from {caller} in mailbox 100.\n\n\t--Asterisk\n",
        to=SUPPORT,
        X_Asterisk_CallerID=caller,
        X_Asterisk_CallerIDName="Karen Mitchell",
        X_Asterisk_VM_Duration="19",
    )
    mail.replace_header("Message-ID", "<Asterisk-1-1234567890-100-4242@pbx.example>")
    recording = RECORDING.read_bytes()
    mail.add_attachment(recording, maintype="audio", subtype="x-wav", filename="msg0001.WAV")
    return mail
