"""Every technical word of the studio, explained in a sentence or two."""

from collections.abc import Mapping
from typing import Final

import streamlit as st

WORDS: Final[Mapping[str, str]] = {
    "accuracy": "The share of answers that are right.",
    "activation": "A simple curve that a layer's numbers go through, so that layers together can do more than add. "
    "Also: the numbers themselves, as they come out of a layer.",
    "attention": "A layer that lets each place of a sequence look at all others and take from those that matter.",
    "augmentation": "Making more samples of those there are, by turning, shifting or colouring them a little while "
    "training.",
    "batch": "The samples that are looked at together before the weights move a little.",
    "batch normalisation": "Brings the numbers of a layer into a common range while it learns, which makes learning "
    "quicker.",
    "bias": "A number that is added whatever the input is. It is learned.",
    "block": "Several layers under one name. It is edited once, however often it is used.",
    "channel": "One of the numbers at each place: red, green and blue of a picture, or one pattern that a layer "
    "looks for.",
    "class": "One of the possible answers, such as “cat” or “dog”.",
    "contract": "A promise about the network, such as “at most a million parameters”. It is checked with every edit.",
    "convolution": "A layer that slides small windows over a picture or sequence and says where their pattern occurs.",
    "cross-entropy": "A loss for classes: large where the network is sure of a wrong answer.",
    "curve": "A figure drawn epoch by epoch: whether it still rises or falls shows whether training is worth going "
    "on with.",
    "data set": "All samples together, with the answers to learn.",
    "dense layer": "A layer in which each output is a weighted sum of all inputs.",
    "dropout": "Switches parts of a layer off at random while it learns, so that it does not rely on single details.",
    "embedding": "A table that gives each word or symbol a list of numbers; the numbers are learned.",
    "epoch": "One pass through all training samples.",
    "experiment": "What to train on, towards what, and how: a file beside the graph.",
    "feature": "One thing that is known of a sample, such as a column of a table.",
    "gradient": "How the loss would change if a weight moved a little. Weights move against it.",
    "gradient descent": "Learning: all weights move a little in the direction that makes the loss smaller, again and "
    "again.",
    "graph": "The network: layers as boxes, and wires that carry numbers from one to the next.",
    "label": "The right answer that belongs to a sample. The network learns to give it.",
    "layer": "One step of the network: numbers go in, other numbers come out.",
    "learning rate": "How far the weights move in each step. Too small is slow, too large never settles.",
    "logits": "The numbers for each class before softmax makes probabilities of them.",
    "loss": "How wrong the network is, as one number. Training makes it small.",
    "mask": "Says which places count and which are only filled in.",
    "matrix": "A table of numbers.",
    "metric": "A figure that is watched while training, such as accuracy.",
    "momentum": "Lets the weights keep some of the speed of earlier steps, like a ball that rolls.",
    "multiply-adds": "How many multiplications the network takes for one sample: what it costs to run.",
    "network": "Layers joined by wires. What it does is learned from samples.",
    "node": "One box on the canvas: a layer, or a block.",
    "norm": "The length of a list of numbers: the root of the sum of their squares.",
    "one-hot": "A list with a 1 for the word or class that is meant and 0 for all others.",
    "optimiser": "The rule by which the weights move.",
    "overfitting": "Learning the training samples by heart: training gets better while validation gets worse.",
    "padding": "Cells that are added around a picture, so that windows fit at its border.",
    "parameter": "A number that is learned. Networks have hundreds to billions of them. Also: a knob of a block or "
    "file.",
    "penalty": "Something that is added to the loss for what is not wanted, such as large weights.",
    "perceptron": "The oldest network: one weighted sum and a threshold.",
    "pooling": "Makes a picture or sequence smaller by keeping the largest or the average of each small window.",
    "preprocessing": "What is done to the data before the network sees them, such as scaling.",
    "probability": "How sure the network is, from 0 % to 100 %.",
    "receptive field": "How much of the input one number of a layer can see.",
    "recurrent layer": "A layer that reads a sequence step by step and keeps a memory.",
    "regularisation": "Anything that keeps a network from learning by heart.",
    "residual connection": "A wire around some layers: they only learn what to add to what goes past them.",
    "run": "One training of an experiment, with everything that came of it.",
    "sample": "One example of the data: a picture, a row, a sentence.",
    "schedule": "A plan by which a setting, such as the learning rate, changes while training goes on.",
    "seed": "A number that decides all random choices, so that a training can be repeated exactly.",
    "sequence": "Samples whose parts come one after another: letters, notes, measurements over time.",
    "shape": "How many numbers a wire carries, and in which arrangement: 28×28×1 is a grey picture of 28 by 28 pixels.",
    "sigmoid": "Turns a number into a probability between 0 and 1.",
    "softmax": "Turns numbers into probabilities that add up to 1.",
    "sparse": "Mostly zeros. “Sparse” losses take the number of the right class instead of a one-hot list.",
    "standardise": "Shift and scale each column so that its mean is 0 and its spread is 1.",
    "step": "One move of the weights, after one batch. Of a sequence: one of its parts.",
    "stochastic": "With some chance in it: each step looks at a few samples, drawn at random.",
    "stride": "How far a window moves from one look to the next.",
    "symbol": "One of the characters or words that a text is made of.",
    "test part": "Samples that are kept aside to the very end, to see how good the network really is.",
    "training": "Showing the samples to the network again and again while its weights move.",
    "training part": "The samples that the network learns from.",
    "validation part": "Samples that are not learned from, to see after each epoch how good the network is on new "
    "ones.",
    "weight": "A number by which an input is multiplied. It is learned.",
    "weight decay": "Pulls all weights a little towards 0 in each step, so that none grows without need.",
}  # fmt: skip
"""Words and what they mean."""


def show() -> None:
    """Draw the page."""
    st.title("Words explained")
    wanted = st.text_input("Search", placeholder="batch, loss, stride …", width=360).casefold()
    for word, text in WORDS.items():
        if wanted in f"{word} {text}".casefold():
            st.markdown(f"**{word}**  \n{text}")


def explained(*words: str) -> None:
    """A small window that explains some words where they are used."""
    with st.popover("Words on this page", icon=":material/help:"):
        for word in words:
            st.markdown(f"**{word}**: {WORDS[word]}")


def hint(word: str) -> str:
    """The explanation of a word, for a form."""
    return WORDS[word]
