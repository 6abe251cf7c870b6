"""Amazon SES, SNS and End User Messaging."""
