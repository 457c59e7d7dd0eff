"""Speech to text for telephone recordings, offline, by Vosk. Stands alone: imports nothing of mailbridge.

    sniff, audio     any recording as one stream of samples, bounded
    sound            what a recording holds besides speech: silence, noise, tones, music
    engine           one model, one recording: words with times and confidence
    rescore          names of customers and products lift the right alternative
    spoken, numbers  spoken numbers and addresses as people write them
    text             sentences, doubtful words marked, card numbers hidden
    pool, worker     separate processes that may hang or crash without harm
    models, fetch    which models there are, and how they get onto this machine
    evaluate         word error rate, and what two transcripts differ in

Importing the package itself loads no library; what fails is drawn in errors.
"""
