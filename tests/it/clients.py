"""Puts OpenAI's client and lm-evaluation-harness to a server, and prints what they saw as JSON.

python clients.py ADDRESS MODEL TOKENIZER_FOLDER TASKS_FOLDER TASK
"""

import json
import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import openai  # noqa: E402


def with_openai(address: str, model: str) -> dict:
    client = openai.OpenAI(base_url=f"http://{address}/v1", api_key="s3cret", max_retries=0)
    question = [{"role": "user", "content": "Where is the river?"}]
    asked = dict(model=model, messages=question, max_tokens=12, temperature=0)
    whole = client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
    pieces, usage = [], None
    for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        pieces += [choice.delta.content or "" for choice in chunk.choices]
    echoed = client.completions.create(model=model, prompt="The river", echo=True, logprobs=1, max_tokens=0)
    faults = {}
    for name, change in {"model": {"model": "other"}, "temperature": {"temperature": 7}}.items():
        try:
            client.chat.completions.create(**(asked | change))
        except openai.APIStatusError as error:
            faults[name] = [type(error).__name__, error.param]
    try:
        openai.OpenAI(base_url=f"http://{address}/v1", api_key="wrong", max_retries=0).models.list()
    except openai.AuthenticationError as error:
        faults["key"] = [type(error).__name__, error.code]
    return {
        "models": [m.id for m in client.models.list()],
        "text": whole.choices[0].message.content,
        "tokens": len(whole.choices[0].logprobs.content),
        "written": whole.usage.completion_tokens,
        "streamed": "".join(pieces),
        "streamed_usage": usage.completion_tokens,
        "echo": echoed.choices[0].text,
        "echo_logprobs": echoed.choices[0].logprobs.token_logprobs,
        "faults": faults,
    }


def with_lm_eval(address: str, model: str, tokenizer: str, tasks: str, task: str) -> dict:
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    os.environ["OPENAI_API_KEY"] = "s3cret"
    settings = {
        "model": model,
        "base_url": f"http://{address}/v1/completions",
        "tokenizer": tokenizer,
        "tokenizer_backend": "huggingface",
        "num_concurrent": 2,
    }
    done = simple_evaluate(
        model="local-completions",
        model_args=settings,
        tasks=[task],
        task_manager=TaskManager(include_path=tasks, include_defaults=False),
        batch_size=4,
        bootstrap_iters=0,
    )
    samples = sorted(done["samples"][task], key=lambda s: s["doc_id"])
    return {
        "acc": done["results"][task]["acc,none"],
        "each": [s["acc"] for s in samples],
        "log_likelihoods": [[float(r[0]) for r in s["filtered_resps"]] for s in samples],
    }


if __name__ == "__main__":
    address, model, tokenizer, tasks, task = sys.argv[1:]
    seen = {"openai": with_openai(address, model)}
    seen["lm_eval"] = with_lm_eval(address, model, tokenizer, tasks, task)
    print(json.dumps(seen))
