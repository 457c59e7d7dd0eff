# ruff: noqa: E501 - tables of patterns: a wrapped pattern is harder to read than a long one
"""Header fields by which machines give themselves away: the union of what shipping help desks test. Lower
case; used by rules_auto, which says what each may prove."""

from __future__ import annotations

import re

OWN_ID = re.compile(
    r"^<(?:(?:case|mailbridge|mb)[-.+]|[a-z2-7]{31}\.)", re.I
)  # policy.tokens.message_id and its kin
REPLIERS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoresponse", "x-autoreply-from", "x-mail-autoreply", "x-auto-reply",
    "x-auto-reply-from", "x-autoreply-domain", "x-autoresponder-id", "x-vacation", "x-ms-oof", "x-oof", "x-away", "x-autorply",
    "x-auto-response", "x-auto-respond", "x-pm-autoresponder", "x-kmail-autoreply", "x-gm-autoreply",
)  # fmt: skip
GENERATED = (
    "x-fc-machinegenerated", "x-auto-generated", "x-cron-env", "x-github-reason", "x-gitlab-notificationreason", "x-jira-fingerprint",
    "x-servicenow-generated", "x-nagios-notification", "x-icinga-host", "x-monitoring", "x-mailer-daemon-report", "x-zabbix-event",
    "x-sentry-project", "x-bugzilla-reason", "x-bugzilla-type", "x-redmine-project", "x-trac-project", "x-phabricator-sent-this-message",
    "x-gerrit-messagetype", "x-launchpad-message-rationale", "x-travis-build-number", "x-jenkins-job", "x-debbugs-no-ack",
    "x-opsgenie-alertid", "x-pagerduty-incident", "x-discourse-post-id", "x-ms-exchange-generated-message-source", "x-amazon-mail-relay-type",
    "x-phpbb-origin", "x-facebook", "x-linkedin-class", "x-pobox-orig-mail-from",
)  # fmt: skip
DESKS = (
    "x-zendesk-from-account-id", "x-zendesk-email-id", "x-zendesk-priority-mail", "x-freshdesk-ticket", "x-freshdesk-notification",
    "x-fw-mailer", "x-helpscout-convo", "x-rt-ticket", "x-rt-loop-prevention", "rt-ticket", "x-otrs-loop", "x-otobo-loop", "x-znuny-loop",
    "x-osticket-id", "x-zammad-ticket-id", "x-libredesk-loop-prevention", "x-jira-fingerprint", "x-servicenow-generated", "x-gorgias-email-id",
    "x-kayako-ticket", "x-helpdesk-ticket", "x-sfdc-user", "x-salesforce-case", "x-intercom-bin", "x-front-conversation", "x-chatwoot-id",
    "x-freescout-mail-type", "x-freescout-loop", "x-django-helpdesk-ticket", "x-hesk", "x-glpi-loop", "x-autotask-ticket", "x-topdesk-id",
)  # fmt: skip
DESK_IDS = re.compile(
    r"^<(?:rt-[\d.]|FS_|B[0-9a-z]{5,}-|[\w.+-]*(?:zendesk|freshdesk|freshservice|otrs|otobo|znuny|osticket|helpscout|service-now))",
    re.I,
)
LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "list-subscribe", "list-owner", "list-archive", "mailing-list", "x-mailing-list", "list-help", "x-mailman-version", "x-google-group-id", "x-beenthere", "x-ml-name", "x-ml-count", "x-listserver")  # fmt: skip
GROUP_FIELDS = (
    "list-id",
    "list-post",
    "mailing-list",
    "x-beenthere",
    "x-mailing-list",
)  # those that name the list
MAILINGS = ("x-campaign", "x-campaignid", "x-campaign-id", "x-csa-complaints", "x-mc-user", "x-mailchimp-id", "x-mailer-campaign", "x-emarsys-identify", "x-sg-campaign")  # fmt: skip
PROGRAMS = re.compile(
    r"nagios|icinga|zabbix|prtg|cron daemon|logwatch|jenkins|jira|bugzilla|redmine|phpmailer-cron|anacron|smartd|opsgenie|statuspage",
    re.I,
)
COMPLAINTS = re.compile(
    r"^(?:complaint about message from|fw: complaint|abuse report|\[?feedback[- ]report|email feedback report|spam complaint|fbl\b)",
    re.I,
)
TAG = re.compile(r"^\[([\w .&+-]{2,40})\]")
MOST_HOPS = 50  # Postfix's own hopcount_limit: past it a message is looping
